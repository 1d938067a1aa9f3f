import { join } from 'node:path';
import { Duration } from 'cdk8s';
import type { DatabaseBackup, IBackupAddon } from '../backup/database-backup';
import type { OnDemandOptions } from '../backup/on-demand';
import { InputError } from '../core/input-error';
import { said } from '../core/said';
import { Schedule } from '../core/schedule';
import { ScriptFolder } from '../kubernetes/script-folder';
import { unkept } from './kept';
import type { Objectives } from './objectives';
import { judged, scheduledAge } from './rules';
import { Purpose, watchedBelow } from './watched';

const SCRIPTS = ScriptFolder.at('age-check', join(__dirname, 'age-check'));

/** The job's name, after the series. */
const NAME = 'age-check';

/** Options of an age monitor. */
export interface AgeMonitorOptions extends OnDemandOptions {
  /**
   * When it looks. A promise that is broken between two looks is known at the second.
   * @default Schedule.hourly()
   */
  readonly schedule?: Schedule;
}

/**
 * An age monitor as an add-on, for those without Prometheus: a CronJob `<series>-age-check` that lists the repository, and fails when the newest
 * recovery point, or the newest verified one, is older than was promised.
 *
 * Whoever is told of failed jobs is told of this one, too: a `Notifier`, or a look at `kubectl get jobs`. It believes the repository alone,
 * so it finds backups that never ran, that wrote elsewhere, and that somebody has removed. A CronJob that is suspended or deleted says
 * nothing: have somebody expect its success, as services for heartbeats do.
 *
 * ```ts
 * plan.add(AgeMonitor.of(Objectives.of({ recoveryPoint: Duration.hours(26), proof: Duration.days(8) })));
 * ```
 *
 * A verified recovery point is as old as one may be when it is verified, and grows older until the next one is: its limit is `proof` and
 * `recoveryPoint` together. Where no `recoveryPoint` is promised, it is the longest time between two backups, with how late a run may
 * begin and how long it may take.
 */
export class AgeMonitor implements IBackupAddon {
  /**
   * @param objectives what is promised: `recoveryPoint`, `proof` or both. Synthesis fails where schedules cannot keep it
   * @throws InputError when neither is promised
   */
  public static of(objectives: Objectives, options: AgeMonitorOptions = {}): AgeMonitor {
    if (!objectives.recoveryPoint && !objectives.proof) {
      const because = 'a repository says how old recovery points are: promise a recoveryPoint, a proof, or both';
      throw new InputError('AgeMonitor.of', { prop: 'objectives', got: 'a recoveryTime alone', because });
    }
    return new AgeMonitor(objectives, options);
  }

  private constructor(
    private readonly objectives: Objectives,
    private readonly options: AgeMonitorOptions,
  ) {}

  public bind(backup: DatabaseBackup): void {
    if (backup.node.tryFindChild(NAME) && backup._bindsPlanned) return;
    const { recoveryPoint, proof } = this.objectives;
    const [job] = judged(watchedBelow(backup).jobs, Purpose.RECOVERY_POINT);
    const age = recoveryPoint?.toSeconds() ?? (job ? scheduledAge(job) : 0);
    const seconds = (promised: Duration | undefined, more = 0) => (promised ? String(promised.toSeconds() + more) : '');
    const monitor = backup.addJob(NAME, {
      ...{ schedule: Schedule.hourly(), deadline: Duration.minutes(15), ...said(this.options) },
      scripts: SCRIPTS,
      environment: { MAX_AGE: seconds(recoveryPoint), MAX_VERIFIED_AGE: seconds(proof, age) },
    });
    monitor.node.addValidation({ validate: () => unkept(watchedBelow(backup), { recoveryPoint, proof }) });
  }
}
