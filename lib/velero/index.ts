/**
 * Velero's own resources, typed and checked, and what makes its backups of databases consistent.
 *
 * @module cdk8s-backup/velero
 */
import { checkCalls } from '../core/given';
import * as surface from './surface';

export * from './surface';

// Where there is no compiler, what comes in is judged here.
checkCalls(surface);
