/** What is to happen later, unless the rehearsal is over by then. */
export class Timers {
  private readonly pending = new Set<NodeJS.Timeout>();

  after(seconds: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.pending.delete(timer);
      act();
    }, seconds * 1000);
    this.pending.add(timer);
  }

  clear(): void {
    for (const timer of this.pending) clearTimeout(timer);
    this.pending.clear();
  }
}
