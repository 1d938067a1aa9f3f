import { readdirSync, readFileSync, statfsSync } from 'node:fs';

/** What a run took, of this machine; without the database server, which is measured by its answer's time alone. */
export interface Measured {
  readonly seconds: number;
  /** Of all processes of the run together. */
  readonly cpuSeconds: number;
  /** The most that its processes held at one time, what they share counted once, in bytes. */
  readonly peakMemory: number;
  /** The most that its scratch volumes held at one time, in bytes. */
  readonly peakScratch: number;
}

const TICKS_PER_SECOND = 100;
const SAMPLE_MILLISECONDS = 40;

/** Runs something that starts processes, and measures those. Processes that this one had started before are left out. */
export async function measure(body: () => Promise<void>): Promise<Measured> {
  const before = new Set(childrenOf(process.pid));
  let peakMemory = 0;
  let peakScratch = 0;
  const sample = () => {
    const started = childrenOf(process.pid).filter(pid => !before.has(pid));
    peakMemory = Math.max(
      peakMemory,
      started.flatMap(descendantsOf).reduce((sum, pid) => sum + memoryOf(pid), 0),
    );
    peakScratch = Math.max(peakScratch, scratchInUse());
  };
  const timer = setInterval(sample, SAMPLE_MILLISECONDS);
  const [cpu, start] = [cpuOfEndedChildren(), performance.now()];
  try {
    await body();
  } finally {
    clearInterval(timer);
  }
  return { seconds: (performance.now() - start) / 1000, cpuSeconds: cpuOfEndedChildren() - cpu, peakMemory, peakScratch };
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

function childrenOf(pid: number): number[] {
  const threads = (() => {
    try {
      return readdirSync(`/proc/${pid}/task`);
    } catch {
      return [];
    }
  })();
  return threads.flatMap(thread => text(`/proc/${pid}/task/${thread}/children`).split(' ').filter(Boolean).map(Number));
}

function descendantsOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(descendantsOf)];
}

function memoryOf(pid: number): number {
  return Number(/^Pss:\s+(\d+)/m.exec(text(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) * 1024;
}

/** The kernel adds a process to its parent's when it has ended and was waited for: the whole tree, once the last has ended. */
function cpuOfEndedChildren(): number {
  const fields = text('/proc/self/stat')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND;
}

/** Volumes of running pods that die with them, as the rehearsal mounts them. */
function scratchInUse(): number {
  return text('/proc/self/mounts')
    .split('\n')
    .map(line => line.split(' ')[1] ?? '')
    .filter(path => /\/rehearsal-\d+-[^/]+\/pods\/.*scratch$/.test(path))
    .reduce((sum, path) => {
      try {
        const { blocks, bfree, bsize } = statfsSync(path);
        return sum + (blocks - bfree) * bsize;
      } catch {
        return sum;
      }
    }, 0);
}
