/** What goes wrong with snapshots of a claim. */
export interface SnapshotFault {
  /** The claim's name. @default every claim */
  readonly claim?: string;
  /** `never-cut`: nothing happens. `never-ready`: it is cut, and stays unready. `error`: the driver says why it cannot. `slow`: see `delaySeconds`. */
  readonly kind: 'never-cut' | 'never-ready' | 'error' | 'slow';
  /** Of an error. @default "rpc error: code = ResourceExhausted desc = planted by a test" */
  readonly message?: string;
  /** By how much it is cut later. @default 5 */
  readonly delaySeconds?: number;
  /** How many snapshots it befalls; an error is tried again, and counts each time. @default all */
  readonly times?: number;
}

/** The faults that tests have planted. */
export class SnapshotFaults {
  private planted: { fault: SnapshotFault; left: number }[] = [];

  plant(fault: SnapshotFault): void {
    this.planted.push({ fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  clear(): void {
    this.planted = [];
  }

  /** The fault that befalls a snapshot of these claims now, if one does. */
  strike(claims: string[]): SnapshotFault | undefined {
    const found = this.planted.find(({ fault, left }) => left > 0 && (fault.claim === undefined || claims.includes(fault.claim)));
    if (found) found.left -= 1;
    return found?.fault;
  }
}
