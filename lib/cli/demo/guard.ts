import { spawn } from 'node:child_process';
import { MARK } from './local-machine';

/** Ends what a demo has started, and removes its folder, unless it is told a word before its input ends. */
const WATCH = `read -r over && exit
find "$1" -name postmaster.pid -exec sh -c 'read -r pid <"$1" && kill -QUIT "$pid"' sh {} ';'
for process in /proc/[0-9]*; do
  ! grep -qsF "$3=$1" "$process/environ" || kill -KILL "\${process#/proc/}"
done
[ "$2" = keep ] && exit
for _ in 1 2 3 4 5; do rm -rf "$1" && exit; sleep 1; done`;

/**
 * Cleans up after a demo that was killed: of that it hears by a pipe that nobody holds open any more.
 *
 * @returns says that the demo has cleaned up itself
 */
export function guard(folder: string, { keep }: { readonly keep: boolean }): () => Promise<void> {
  const child = spawn('/bin/sh', ['-c', WATCH, 'sh', folder, keep ? 'keep' : 'remove', MARK], {
    cwd: '/',
    env: { PATH: `${process.env.PATH ?? ''}:/usr/bin:/bin` },
    // A session of its own, so that what ends the demo does not end it.
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // Without it the demo does all that it does, and whatever kills it leaves things behind.
  const ended = new Promise<void>(resolve => child.on('error', () => resolve()).on('exit', () => resolve()));
  child.stdin.on('error', () => undefined);
  return () => {
    child.stdin.end('over\n');
    return ended;
  };
}
