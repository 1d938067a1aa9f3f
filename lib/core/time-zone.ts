import { memoized } from './memoized';

const MINUTE_MS = 60_000;
const WEEK_MS = 7 * 24 * 60 * MINUTE_MS;

/**
 * The first of the years whose clock changes are checked. The years are fixed, so that the same input gives the same output on any day.
 * There are ten, so that a day of the month meets every weekday.
 */
const FIRST_YEAR = 2027;
const LAST_YEAR = 2036;

/** A stretch of local time that a clock change leaves out or gives twice. */
export interface ClockChange {
  /** The first minute of the stretch, as if the local clock were UTC: milliseconds since 1970. */
  readonly from: number;
  /** The first minute after it. */
  readonly until: number;
  /** Whether its minutes come twice; if not, they do not come at all. */
  readonly twice: boolean;
}

/**
 * What is wrong with the name of a time zone, if anything.
 *
 * A name is an IANA name by area and city, or UTC. Abbreviations are refused: node knows some that Kubernetes does not, and
 * they mean different things to different people. (Kubernetes documentation, "CronJob", "Time zones".)
 */
export const timeZoneProblem = memoized((name: string): string | undefined => {
  const example = "write an IANA name by area and city, such as 'Europe/Berlin', or 'UTC'";
  if (name.toLowerCase() === 'local') {
    return `'Local' depends on the control plane, and Kubernetes refuses it: ${example}`;
  }
  if (name === 'UTC') {
    return undefined;
  }
  let known: string;
  try {
    known = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return `there is no such time zone: ${example}`;
  }
  if (known !== name && known.toLowerCase() === name.toLowerCase()) {
    return `names of time zones are case-sensitive in Kubernetes: write '${known}'`;
  }
  return /^[A-Z][\w+-]*(\/[A-Z][\w+-]*)+$/.test(name) ? undefined : example;
});

/** The clock changes of a zone in the years that are checked, in order. It takes some thousand calls of Intl. */
export const clockChanges = memoized((timeZone: string): ClockChange[] => {
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  const changes: ClockChange[] = [];
  const end = Date.UTC(LAST_YEAR + 1, 0, 1);
  for (let week = Date.UTC(FIRST_YEAR, 0, 1); week < end; week += WEEK_MS) {
    const [before, after] = [offset(format, week), offset(format, week + WEEK_MS)];
    if (before !== after) {
      const instant = lastInstantOf(format, week, before) + MINUTE_MS;
      changes.push({ from: instant + Math.min(before, after), until: instant + Math.max(before, after), twice: after < before });
    }
  }
  return changes;
});

/** The minutes of a day that some clock change of a zone leaves out or gives twice. */
export const changedMinutes = memoized((timeZone: string): Set<number> => {
  const minutes = clockChanges(timeZone).flatMap(({ from, until }) =>
    Array.from({ length: (until - from) / MINUTE_MS }, (_, i) => (from / MINUTE_MS + i) % (24 * 60)),
  );
  return new Set(minutes);
});

/** The last minute within a week of `start` that has the same offset as `start`. */
function lastInstantOf(format: Intl.DateTimeFormat, start: number, before: number): number {
  let [low, high] = [start, start + WEEK_MS];
  while (high - low > MINUTE_MS) {
    const middle = low + Math.floor((high - low) / MINUTE_MS / 2) * MINUTE_MS;
    [low, high] = offset(format, middle) === before ? [middle, high] : [low, middle];
  }
  return low;
}

/** How far local time is ahead of UTC, in milliseconds. */
function offset(format: Intl.DateTimeFormat, instant: number): number {
  const [, sign, hours, minutes] = /GMT([+-])(\d\d):(\d\d)/.exec(format.format(instant)) ?? [];
  return (sign === '-' ? -1 : 1) * (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * MINUTE_MS;
}
