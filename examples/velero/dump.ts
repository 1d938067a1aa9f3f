import { type Chart, Duration } from 'cdk8s';
import { Schedule } from 'cdk8s-backup';
import { VeleroDump, VeleroSchedule } from 'cdk8s-backup/velero';
import type { Store } from '../store/store';

/** The store's catalogue goes into Velero's backups as a dump: what the server has open is copied by nobody. */
export function catalogDump(velero: Chart, store: Store): void {
  const storeWeekly = new VeleroSchedule(velero, 'store-weekly', {
    schedule: Schedule.weekly({ at: '06:00' }),
    includedNamespaces: ['store'],
  });
  new VeleroDump(store, 'catalog-dump', { backup: store.catalog, timeout: Duration.hours(2), veleroBackup: storeWeekly });
}
