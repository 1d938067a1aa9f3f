/**
 * Snapshots of volumes, groups of them, and the way back.
 *
 * @module cdk8s-backup/volumes
 */
import { checkCalls } from '../core/given';
import * as surface from './surface';

export * from './surface';

// Where there is no compiler, what comes in is judged here.
checkCalls(surface);
