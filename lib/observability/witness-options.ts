/** The witnesses whose metrics alerts are about. */
export interface WitnessAlertsOptions {
  /**
   * Labels of its metrics, where a Prometheus has those of several clusters: `{ cluster: 'production' }`. The label `repository` tells
   * repositories of one cluster apart.
   * @default - none
   */
  readonly labels?: { [label: string]: string };
  /**
   * Whether alerts are about the mirrors of the backup, too. Each mirror's repository then needs a `BackupWitness` of its own: without one
   * an alert says that nobody lists it.
   * @default true
   */
  readonly mirrors?: boolean;
}
