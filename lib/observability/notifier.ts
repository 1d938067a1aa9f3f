import type { Construct } from 'constructs';
import type { DatabaseBackup, IBackupAddon } from '../backup/database-backup';
import type { CaCertificates } from '../core/ca-certificates';
import { Destination } from '../core/destination';
import { InputError } from '../core/input-error';
import { checkObjectName } from '../core/names';
import type { SecretKeyRef } from '../core/secret-ref';
import type { ProxyOptions } from '../repositories/restic/restic-location';
import { destinationOf, urlOf } from '../repositories/restic/restic-location';
import { type NotifierChannel, NotifierWatcher, type NotifierWatcherOptions } from './notifier-watcher';
import { watchedBelow } from './watched';

/** How a receiver is reached, and of what it is told. */
export interface NotifierOptions {
  /**
   * Which jobs it is told of: 'backup', 'verify', 'restore', 'mirror', 'prune', 'drill', 'snapshot', and whatever else the label
   * `cdk8s-backup/operation` of jobs says.
   * @default - all
   */
  readonly operations?: string[];
  /**
   * The authorities that may have signed the receiver's certificate. They replace those of the image, and are not added to them.
   * @default - the well-known ones, of the image
   */
  readonly caCertificates?: CaCertificates;
  /**
   * The proxy by which the receiver is reached.
   * @default - none
   */
  readonly proxy?: ProxyOptions;
  /**
   * Where packets to the receiver go, for the NetworkPolicy. Its address is in a Secret, so nothing is guessed.
   * @default [Destination.outside({ port: 443 })]
   */
  readonly destinations?: Destination[];
  /**
   * The Deployment that tells. All notifiers of a namespace share one, unless they name others.
   * @default - one called 'backup-notifier'
   */
  readonly watcher?: NotifierWatcherOptions;
}

/** Which outcomes a receiver is told of. */
export interface NotifierOutcomeOptions extends NotifierOptions {
  /**
   * A job that has failed, or that cannot run: its image cannot be pulled, no pod is made for it.
   * @default true
   */
  readonly failures?: boolean;
  /**
   * The first success of a CronJob's job after a failure.
   * @default true
   */
  readonly recoveries?: boolean;
  /**
   * Every other success.
   * @default false
   */
  readonly successes?: boolean;
}

/** A receiver that takes what Slack takes. */
export interface SlackOptions extends NotifierOutcomeOptions {
  /** Its address, which is a secret: whoever has it can write into the channel. It begins with https://. */
  readonly webhook: SecretKeyRef;
}

/** A receiver that takes JSON. */
export interface WebhookOptions extends NotifierOutcomeOptions {
  /** Its address. It begins with https://. */
  readonly url: SecretKeyRef;
  /**
   * A key that the receiver has, too. Each message then has the headers `X-Backup-Timestamp`, in seconds since 1970, and
   * `X-Backup-Signature`: `sha256=` and the HMAC-SHA256, in hexadecimal digits, of the timestamp, a dot and the body.
   * @default - messages are not signed
   */
  readonly signingKey?: SecretKeyRef;
}

/** A service that waits for pings, and says when one is missing. */
export interface HealthchecksOptions extends NotifierOptions {
  /**
   * The address below which each CronJob has a check: `https://hc-ping.com/<ping key>`. The check is called `<namespace>-<CronJob>`, with the
   * watcher's `cluster` and a hyphen in front, where it has one. Dots become hyphens.
   * (https://healthchecks.io/docs/http_api, "Send a success signal using a slug URL".)
   */
  readonly pingUrl: SecretKeyRef;
}

/**
 * Tells the outside what becomes of jobs, as an add-on: a backup, a verification, a restore and whatever else a backup is made of. On a plan,
 * of all its backups.
 *
 * ```ts
 * plan.add(Notifier.slack({ webhook: SecretRef.named('slack').key('url') }));
 * ```
 *
 * What tells is not the process that has failed, but a Deployment `backup-notifier`, one for a namespace. It asks the Kubernetes API every
 * 20 seconds for Jobs and pods. So it also tells of a container that was killed, of a pod that was evicted, of an image that cannot be
 * pulled, and of a job for which no pod is made. Beside what receivers are told, each outcome is an Event of the CronJob, which
 * `kubectl describe cronjob` shows.
 *
 * A backup may have several, which add up. Where it has the same receiver as its plan, what the backup says counts.
 */
export class Notifier implements IBackupAddon {
  /** Tells a channel of Slack, or of whoever takes the same messages, such as Mattermost. */
  public static slack(options: SlackOptions): Notifier {
    return new Notifier('slack', options.webhook, outcomesOf(options), options);
  }

  /** Tells a receiver of your own, by a POST with JSON. docs/notifier.md says what is in it. */
  public static webhook(options: WebhookOptions): Notifier {
    return new Notifier('webhook', options.url, outcomesOf(options), options, options.signingKey);
  }

  /**
   * Pings a service of the kind of Healthchecks.io when a job begins, succeeds or fails. Such a service also tells when nothing comes: it is
   * the one that notices a cluster that is gone.
   */
  public static healthchecks(options: HealthchecksOptions): Notifier {
    return new Notifier('ping', options.pingUrl, ['start', 'failure', 'recovery', 'success'], options);
  }

  private constructor(
    private readonly kind: NotifierChannel['kind'],
    private readonly address: SecretKeyRef,
    private readonly outcomes: string[],
    private readonly options: NotifierOptions,
    private readonly key?: SecretKeyRef,
  ) {}

  public bind(backup: DatabaseBackup): void {
    if (this.route(backup, backup.series) || backup._bindsPlanned) return;
    const because = 'the backup tells that receiver already: leave one out';
    throw new InputError(backup, { prop: 'add', got: 'the same Notifier, twice', because });
  }

  /**
   * Tells of what has no add-ons: a VolumeSnapshotGroup, a VeleroCheck, a VeleroRestoreJob.
   *
   * @param of what is told of, with all that is below it
   * @throws InputError when no job of this library is below it, or the receiver is told of it already
   */
  public watch(of: Construct): void {
    const { jobs } = watchedBelow(of);
    const [job] = jobs;
    if (!job) {
      const because = `no CronJob of this library is below it: pass a VolumeSnapshotGroup, a VeleroCheck or a VeleroRestoreJob`;
      throw new InputError(of, { prop: 'of', got: of.node.path, because });
    }
    for (const series of new Set(jobs.map(each => each.series))) {
      if (this.route(of, series)) continue;
      throw new InputError(of, {
        prop: 'watch',
        got: 'called twice',
        because: `that receiver is told of ${series} already: leave one out`,
      });
    }
  }

  private route(scope: Construct, series: string): boolean {
    const { outcomes } = this;
    const operations = this.checkedOperations(scope);
    if (outcomes.length === 0) {
      const because = 'nothing would be told: leave the Notifier out, or one of failures, recoveries and successes on';
      throw new InputError(scope, { prop: 'failures', got: false, because });
    }
    const channel = this.channel(scope);
    return NotifierWatcher.of(scope, this.options.watcher).route(scope, channel, { series, outcomes, ...(operations && { operations }) });
  }

  private checkedOperations(scope: Construct): string[] | undefined {
    const { operations } = this.options;
    const wrong = operations?.find(each => !/^[a-z][a-z0-9-]*$/.test(each));
    if (wrong !== undefined || operations?.length === 0) {
      const because = `write what the label cdk8s-backup/operation of jobs says, such as 'backup' and 'verify'`;
      throw new InputError(scope, { prop: 'operations', got: wrong ?? operations, because });
    }
    return operations;
  }

  private channel(scope: Construct): NotifierChannel {
    const { kind, address, key, options } = this;
    const { proxy, caCertificates, destinations } = options;
    const prop = { slack: 'webhook', webhook: 'url', ping: 'pingUrl' }[kind];
    for (const [name, secret] of [
      [prop, address],
      ['signingKey', key],
    ] as const) {
      if (secret === undefined) continue;
      checkObjectName(scope, name, secret.secretName);
      if (secret.keyName) continue;
      const because = "name the key of a Secret, for example SecretRef.named('slack').key('url')";
      throw new InputError(scope, { prop: name, got: secret, isHidden: true, because });
    }
    const url = proxy && urlOf(scope, 'proxy.url', proxy.url);
    const authorities = (at: Construct, volume: string) => caCertificates?._bind(at, 'caCertificates', volume);
    return {
      ...{ kind, url: address, key, proxy: url?.origin, authorities },
      destinations: [
        url
          ? { ...destinationOf(url), through: proxy?.destinations }
          : { host: 'receiver', port: 443, through: destinations ?? [Destination.outside({ port: 443 })] },
      ],
      settings: JSON.stringify([url?.origin, authorities(scope, '')?.volume, proxy?.destinations, destinations]),
    };
  }
}

function outcomesOf({ failures = true, recoveries = true, successes = false }: NotifierOutcomeOptions): string[] {
  return [...(failures ? ['failure'] : []), ...(recoveries ? ['recovery'] : []), ...(successes ? ['success'] : [])];
}
