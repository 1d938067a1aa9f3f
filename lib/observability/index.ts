/**
 * Alerts of backups, by what kube-state-metrics says of their jobs; a witness, which says what repositories hold; and a job that fails when
 * that is too old.
 *
 * @module observability
 */
export * from './age-monitor';
export * from './alerts';
export * from './backup-alerts';
export * from './backup-witness';
export {
  type HealthchecksOptions,
  Notifier,
  type NotifierOptions,
  type NotifierOutcomeOptions,
  type SlackOptions,
  type WebhookOptions,
} from './notifier';
export type { NotifierWatcherOptions } from './notifier-watcher';
export * from './objectives';
export * from './witness-options';
