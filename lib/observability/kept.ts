import type { Duration } from 'cdk8s';
import type { Objectives } from './objectives';
import { inWords, judged } from './rules';
import { Purpose, type WatchedObjects } from './watched';

/** What its schedules cannot keep, though nothing fails. It is known only when everything has been added. */
export function unkept(watched: WatchedObjects, { recoveryPoint, recoveryTime, proof }: Partial<Objectives>): string[] {
  return [
    ...missedBy(watched, Purpose.RECOVERY_POINT, 'recoveryPoint', recoveryPoint),
    ...missedBy(watched, Purpose.PROOF, 'proof', proof),
    ...(recoveryTime !== undefined && !hasProof(watched)
      ? [nobodyKeeps('recoveryTime', recoveryTime, 'nothing measures it, as no verification runs by itself')]
      : []),
  ];
}

const hasProof = ({ jobs }: WatchedObjects) => jobs.some(({ purpose, isOnDemand }) => purpose === Purpose.PROOF && !isOnDemand);

function nobodyKeeps(objective: string, promised: Duration, why: string): string {
  return `objectives.${objective} is ${JSON.stringify(inWords(promised.toSeconds()))}: ${why}: add a job that keeps it, for example addVerification(), or leave it out`;
}

/** Of several jobs for the same, one has to keep the promise: the one that is judged by it. */
function missedBy(watched: WatchedObjects, purpose: Purpose, objective: string, promised: Duration | undefined): string[] {
  if (promised === undefined) return [];
  const [job] = judged(watched.jobs, purpose);
  if (!job) return [nobodyKeeps(objective, promised, 'nothing does that by itself')];
  const needed = job.interval + job.deadline;
  if (job.isOnDemand || promised.toSeconds() >= needed) return [];
  const rest = promised.toSeconds() - job.interval;
  const shorter = rest >= 60 ? `, or give ${job.name} a deadline of ${inWords(rest)} or less` : ', or let it run more often';
  return [
    `objectives.${objective} is ${JSON.stringify(inWords(promised.toSeconds()))}: runs of ${job.name} are up to ${inWords(job.interval)} apart and may take ${inWords(job.deadline)}, so it may be missed although nothing fails: write ${inWords(needed)} or more${shorter}`,
  ];
}
