/**
 * Alerts of backups, by what kube-state-metrics says of their jobs; and a witness, which says what repositories hold.
 *
 * @module observability
 */
export * from './alerts';
export * from './backup-alerts';
export * from './backup-witness';
export * from './objectives';
