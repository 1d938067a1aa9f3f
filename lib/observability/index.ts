/**
 * Alerts of backups, by what kube-state-metrics says of their jobs.
 *
 * @module observability
 */
export * from './alerts';
export * from './backup-alerts';
export * from './objectives';
