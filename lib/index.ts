/**
 * Backups of databases, plans, and the words that all of the package shares.
 *
 * @module cdk8s-backup
 */
import { checkCalls } from './core/given';
import * as surface from './surface';

export * from './surface';

// Where there is no compiler, what comes in is judged here.
checkCalls(surface);
