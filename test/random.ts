/** Random numbers that are the same in every run: mulberry32. */
export class Random {
  constructor(private state: number) {}

  /** A number from 0 up to, but not including, `limit`. */
  public below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4294967296) * limit);
  }

  public chance(probability: number): boolean {
    return this.below(1_000_000) < probability * 1_000_000;
  }

  public pick<T>(things: readonly T[]): T {
    return things[this.below(things.length)] as T;
  }
}
