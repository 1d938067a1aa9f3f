import type { DatabaseBackup, IBackupAddon } from '../backup/database-backup';
import { InputError } from '../core/input-error';
import { type AlertsOptions, BackupAlerts } from './backup-alerts';
import type { Objectives } from './objectives';

/**
 * Alerts as an add-on: of all that a backup is made of, a PrometheusRule that works with kube-state-metrics alone. On a plan, every backup
 * of it has its own, which goes when the backup goes. What a backup adds itself goes before its plan's.
 *
 * ```ts
 * plan.add(Alerts.of(Objectives.of({ recoveryPoint: Duration.hours(26), proof: Duration.days(8) }), { labels: { release: 'kube-prometheus-stack' } }));
 * ```
 */
export class Alerts implements IBackupAddon {
  /**
   * @param objectives what is promised: alerts are later than that, and synthesis fails where schedules cannot keep it
   */
  public static of(objectives: Objectives, options: AlertsOptions = {}): Alerts {
    return new Alerts(objectives, options);
  }

  private constructor(
    private readonly objectives: Objectives,
    private readonly options: AlertsOptions,
  ) {}

  public bind(backup: DatabaseBackup): void {
    if (backup.node.tryFindChild(ID)) {
      if (backup._bindsPlanned) return;
      throw new InputError(backup, {
        prop: 'add',
        got: 'Alerts, twice',
        because: 'a backup can have only one set of objectives: leave one out',
      });
    }
    new BackupAlerts(backup, ID, { ...this.options, objectives: this.objectives, of: backup });
  }
}

const ID = 'alerts';
