import { ScriptFolder } from '../../kubernetes/script-folder';

/**
 * What the jobs of a group of snapshots run: each is a script of its name.
 *
 * @internal
 */
export const GROUP_SCRIPTS = ScriptFolder.at('snapshot-group', __dirname);
