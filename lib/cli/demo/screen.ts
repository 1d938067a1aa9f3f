/** What the demo shows: a line for each step, with the seconds since it began. */
export class Screen {
  private readonly began = performance.now();

  public step(text: string): void {
    this.plain(`${((performance.now() - this.began) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  }

  public plain(text: string): void {
    process.stdout.write(`${text}\n`);
  }

  /** Shows why it ends early. */
  public end(text: string): void {
    process.stderr.write(`cdk8s-backup demo: ${text}\n`);
  }
}
