import { join } from 'node:path';
import { ScriptFolder } from './script-folder';

const ROOM = join(__dirname, '..', 'shell');

/** What every pod has: the programs that it runs, and the files that they source. */
export const SHELL = ScriptFolder.at('shell', join(ROOM, 'jobs'), join(ROOM, 'lib'));
