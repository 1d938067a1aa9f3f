import { ScriptFolder } from '../../kubernetes/script-folder';

/**
 * The scripts of the jobs of a group of snapshots: each job runs the script of its name.
 *
 * @internal
 */
export const GROUP_SCRIPTS = ScriptFolder.at('snapshot-group', __dirname);
