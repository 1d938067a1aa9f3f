import { createHash } from 'node:crypto';
import { Duration } from 'cdk8s';
import type { IConstruct } from 'constructs';
import { Cron, CronError } from './cron';
import { checkNew } from './given';
import { InputError } from './input-error';
import { changedMinutes, clockChanges, timeZoneProblem } from './time-zone';
import { warn } from './warning';

const DAY = 24 * 60;
const WEEK = 7 * DAY;
const DEFAULT_AT = '02:00';

/** A day of the week. */
export enum Weekday {
  /** Sunday, 0 in cron. */
  SUNDAY = 0,
  /** Monday. */
  MONDAY = 1,
  /** Tuesday. */
  TUESDAY = 2,
  /** Wednesday. */
  WEDNESDAY = 3,
  /** Thursday. */
  THURSDAY = 4,
  /** Friday. */
  FRIDAY = 5,
  /** Saturday. */
  SATURDAY = 6,
}

/** Options that every schedule has. */
export interface ScheduleOptions {
  /**
   * The time zone in which the clock is read: an IANA name such as 'Europe/Berlin', rendered as `spec.timeZone`.
   *
   * Synthesis warns of a local time that clock changes skip or repeat in that zone; UTC has none.
   * @default 'UTC'
   */
  readonly timeZone?: string;
  /**
   * Spreads starts, so that backups with one schedule do not all start at once. Each is moved later by an offset of whole minutes, from 0
   * up to, but not including, this time.
   *
   * The offset is part of the contract: the first 48 bits of the SHA-256 of the construct's path, modulo the spread in minutes. The
   * construct is the one that takes the schedule. So the offset is the same at every synthesis, and changes only when the construct is
   * renamed.
   * @default - no spread: the start is the time given
   */
  readonly spread?: Duration;
}

/** Options of an hourly schedule. */
export interface HourlyScheduleOptions extends ScheduleOptions {
  /**
   * The minute of the hour, 0 to 59.
   * @default 0
   */
  readonly minute?: number;
}

/** Options of a daily schedule. */
export interface DailyScheduleOptions extends ScheduleOptions {
  /**
   * The time of day, as HH:MM on a 24-hour clock.
   * @default '02:00'
   */
  readonly at?: string;
}

/** Options of a weekly schedule. */
export interface WeeklyScheduleOptions extends DailyScheduleOptions {
  /**
   * The day of the week.
   * @default Weekday.SUNDAY
   */
  readonly on?: Weekday;
}

/** Options of a monthly schedule. */
export interface MonthlyScheduleOptions extends DailyScheduleOptions {
  /**
   * The day of the month, 1 to 28: not every month has later days.
   * @default 1
   */
  readonly day?: number;
}

/** A schedule as a construct uses it: checked, and its start moved by the spread. */
export class ScheduleConfig {
  constructor(
    /** Five cron fields, for `spec.schedule` of a CronJob. */
    public readonly cron: string,
    /** The IANA name of the zone in which they are read, for `spec.timeZone` of a CronJob. */
    public readonly timeZone: string,
    /**
     * The longest time between two runs, by the local clock: a day for a daily schedule, 31 days for a monthly one. On the day the clock
     * goes back it is longer by that change. A hundred years for `Schedule.never()`.
     */
    public readonly interval: Duration,
    /** Whether it is `Schedule.never()`: somebody else starts the job. */
    public readonly isNever: boolean = false,
  ) {
    checkNew('ScheduleConfig', cron, timeZone, interval, isNever);
  }

  /** The interval, or the limit if that is shorter: how late a run may still start. */
  public intervalUpTo(limit: Duration): Duration {
    return this.interval.toSeconds() < limit.toSeconds() ? this.interval : limit;
  }

  /**
   * How long a run may take where nobody says: four intervals, at least an hour, and at most the limit. Runs do not overlap, so a run that
   * hangs keeps the next ones from starting.
   */
  public deadlineUpTo(limit: Duration): Duration {
    const seconds = Math.max(4 * this.interval.toSeconds(), Duration.hours(1).toSeconds());
    return seconds < limit.toSeconds() ? Duration.seconds(seconds) : limit;
  }

  /**
   * The schedule for `spec.schedule` of a Velero Schedule, which has no field for the zone.
   *
   * @returns for example `CRON_TZ=Europe/Berlin 30 2 * * *`
   */
  public toVelero(): string {
    return `CRON_TZ=${this.timeZone} ${this.cron}`;
  }
}

/** Makes the error about a part of the schedule; '' is the schedule itself. */
type Refusal = (part: string, got: unknown, because: string) => InputError;

/** The start as a construct moves it; both in minutes. `spread` is 0 when there is none. */
interface Start {
  readonly offset: number;
  readonly spread: number;
  readonly refuse: Refusal;
}

/** Gives the cron fields for a start. */
type Recipe = (start: Start) => string;

/**
 * When something runs.
 *
 * A construct checks a schedule when it takes it, so that an error names that construct.
 */
export class Schedule {
  /**
   * Any five cron fields.
   *
   * @param expression minute, hour, day of month, month, day of week, in the dialect of Kubernetes: `*`, lists, ranges, steps, JAN to DEC
   *   and SUN to SAT; Sunday is 0. When both day of month and day of week are restricted, either is enough.
   * @param options zone and spread. A spread needs minute and hour to be plain numbers, and must end before midnight unless the schedule
   *   runs every day.
   */
  public static cron(expression: string, options: ScheduleOptions = {}): Schedule {
    return new Schedule(({ offset, spread, refuse }) => {
      if (spread === 0) {
        return expression;
      }
      const cron = parse(expression, refuse);
      if (cron.fixedTime === undefined) {
        throw refuse(
          'spread',
          `${spread} minutes`,
          'only a schedule with one plain minute and hour can be spread: use Schedule.every(...)',
        );
      }
      const limit = cron.everyDay ? DAY : DAY - cron.fixedTime;
      limitSpread(spread, limit, cron.everyDay ? 'a day' : 'the rest of the day, as the next day may be a wrong one', refuse);
      return `${clock(cron.fixedTime + offset)} ${cron.text.split(' ').slice(2).join(' ')}`;
    }, options);
  }

  /**
   * Once an hour.
   *
   * @param options the minute, zone and spread. A spread is at most an hour; the start wraps within the hour.
   */
  public static hourly(options: HourlyScheduleOptions = {}): Schedule {
    return new Schedule(({ offset, spread, refuse }) => {
      const minute = whole('minute', options.minute ?? 0, 0, 59, refuse);
      limitSpread(spread, 60, 'an hour', refuse);
      return `${(minute + offset) % 60} * * * *`;
    }, options);
  }

  /**
   * Once a day.
   *
   * @param options the time of day, zone and spread. A spread is at most a day; the start wraps at midnight.
   */
  public static daily(options: DailyScheduleOptions = {}): Schedule {
    return new Schedule(({ offset, spread, refuse }) => {
      limitSpread(spread, DAY, 'a day', refuse);
      return `${clock(timeOfDay(options.at, refuse) + offset)} * * *`;
    }, options);
  }

  /**
   * Once a week.
   *
   * @param options the day, time of day, zone and spread. A spread is at most a week; past midnight it is the next weekday.
   */
  public static weekly(options: WeeklyScheduleOptions = {}): Schedule {
    return new Schedule(({ offset, spread, refuse }) => {
      const { on: day = Weekday.SUNDAY } = options;
      limitSpread(spread, WEEK, 'a week', refuse);
      const start = timeOfDay(options.at, refuse) + offset;
      return `${clock(start)} * * ${(day + Math.floor(start / DAY)) % 7}`;
    }, options);
  }

  /**
   * Once a month.
   *
   * @param options the day, time of day, zone and spread. A spread must end before midnight: the day after may be next month.
   */
  public static monthly(options: MonthlyScheduleOptions = {}): Schedule {
    return new Schedule(({ offset, spread, refuse }) => {
      const day = whole('day', options.day ?? 1, 1, 28, refuse);
      const start = timeOfDay(options.at, refuse);
      limitSpread(spread, DAY - start, 'the rest of the day, as the next day may be in the next month', refuse);
      return `${clock(start + offset)} ${day} * *`;
    }, options);
  }

  /**
   * At a fixed interval, counted from the full hour or from midnight.
   *
   * @param interval a time that divides the hour or the day evenly, since cron starts counting again at each. Every 7 minutes would be every 7 and
   *   once an hour 4; every 5 hours would be every 5 and once a day 4.
   * @param options zone and spread. A spread is at most the interval.
   */
  public static every(interval: Duration, options: ScheduleOptions = {}): Schedule {
    return new Schedule(({ offset, spread, refuse }) => {
      const minutes = interval.toMinutes({ integral: false });
      if (!EVEN_INTERVALS.includes(minutes)) {
        throw refuse('', `every ${words(minutes)}`, `it divides neither the hour nor the day evenly: ${neighbours(minutes)}`);
      }
      limitSpread(spread, minutes, 'the interval', refuse);
      const [hour, minute] = [Math.floor(offset / 60), offset % 60];
      return minutes < 60 ? `${steps(minute, minutes, 60)} * * * *` : `${minute} ${steps(hour, minutes / 60, 24)} * * *`;
    }, options);
  }

  /**
   * Never: the 31st of February, in UTC.
   *
   * For jobs that are started by hand with `kubectl create job --from=cronjob/<name>`; their CronJob is suspended as well. A CronJob must
   * have a schedule, and this one stays harmless even if somebody lifts the suspension.
   */
  public static never(): Schedule {
    return Schedule.NEVER;
  }

  private static readonly NEVER = new Schedule(() => '0 0 31 2 *', {});

  private constructor(
    private readonly recipe: Recipe,
    private readonly options: ScheduleOptions,
  ) {}

  /**
   * Checks the schedule and moves its start for a construct.
   *
   * @param scope the construct that takes it; its path decides the offset of a spread
   * @param prop what the construct's prop is called
   * @throws InputError when the fields are not Kubernetes' cron, can never fire, the zone is unknown or the spread does not fit
   */
  public bind(scope: IConstruct, prop: string): ScheduleConfig {
    const refuse: Refusal = (part, got, because) => new InputError(scope, { prop: part ? `${prop}.${part}` : prop, got, because });
    const timeZone = this.options.timeZone ?? 'UTC';
    const problem = timeZoneProblem(timeZone);
    if (problem) {
      throw refuse('timeZone', timeZone, problem);
    }
    const spread = spreadMinutes(this.options.spread, refuse);
    const cron = parse(this.recipe({ offset: spread && offsetOf(scope) % spread, spread, refuse }), refuse);
    if (this === Schedule.NEVER) {
      return new ScheduleConfig(cron.text, timeZone, Duration.days(36_525), true);
    }
    const gap = cron.longestGap();
    if (gap === undefined) {
      throw refuse('', cron.text, 'none of its months has such a day, so it never runs: if that is intended, use Schedule.never()');
    }
    const trouble = clockTrouble(cron, timeZone);
    if (trouble) {
      warn(
        scope,
        `${prop} '${cron.text}' in ${timeZone}: ${trouble}: choose a time between 04:00 and 21:00, when no clock changes, or UTC`,
      );
    }
    return new ScheduleConfig(cron.text, timeZone, duration(gap));
  }
}

/** The numbers of minutes that divide an hour, and of hours that divide a day, in minutes. */
const EVEN_INTERVALS = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, ...[1, 2, 3, 4, 6, 8, 12, 24].map(hours => hours * 60)];

function neighbours(minutes: number): string {
  const below = EVEN_INTERVALS.filter(even => even < minutes).pop();
  const above = EVEN_INTERVALS.find(even => even > minutes);
  if (above === undefined) {
    return 'the longest is 24 hours: for more, use Schedule.weekly() or Schedule.monthly()';
  }
  return `choose ${[below, above].flatMap(even => (even === undefined ? [] : [words(even)])).join(' or ')}`;
}

/** In whole hours if it can be; `Duration.toHumanString` says '3 hours 60 minutes' for four. */
function words(minutes: number): string {
  const [count, unit] = minutes % 60 === 0 ? [minutes / 60, 'hour'] : [minutes, 'minute'];
  return `${count} ${unit}${count === 1 ? '' : 's'}`;
}

function parse(expression: string, refuse: Refusal): Cron {
  try {
    return Cron.parse(expression);
  } catch (error) {
    throw error instanceof CronError ? refuse('', expression, error.message) : error;
  }
}

function whole(part: string, value: number, min: number, max: number, refuse: Refusal): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw refuse(part, value, `write a whole number from ${min} to ${max}`);
  }
  return value;
}

/** Minutes after midnight. */
function timeOfDay(at: string = DEFAULT_AT, refuse: Refusal): number {
  const [, hours, minutes] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(at) ?? [];
  if (hours === undefined || minutes === undefined) {
    throw refuse('at', at, "write HH:MM on a 24-hour clock, such as '02:30'");
  }
  return Number(hours) * 60 + Number(minutes);
}

/** Minutes after midnight as the cron fields minute and hour. */
function clock(minutes: number): string {
  return `${minutes % 60} ${Math.floor(minutes / 60) % 24}`;
}

/** Every `step` from `first`, in a field that counts from 0 up to `size`. */
function steps(first: number, step: number, size: number): string {
  if (step === size) {
    return String(first);
  }
  const from = first === 0 ? '*' : `${first}-${size - 1}`;
  return step === 1 ? '*' : `${from}/${step}`;
}

function spreadMinutes(spread: Duration | undefined, refuse: Refusal): number {
  const minutes = spread?.toMinutes({ integral: false }) ?? 0;
  if (!Number.isInteger(minutes)) {
    throw refuse('spread', words(minutes), 'cron counts whole minutes: write a whole number of them');
  }
  return minutes;
}

function limitSpread(spread: number, limit: number, what: string, refuse: Refusal): void {
  if (spread > limit) {
    throw refuse('spread', `${spread} minutes`, `write at most ${limit} minutes, ${what}`);
  }
}

function offsetOf(scope: IConstruct): number {
  return createHash('sha256').update(scope.node.path).digest().readUIntBE(0, 6);
}

function duration(minutes: number): Duration {
  if (minutes % DAY === 0) {
    return Duration.days(minutes / DAY);
  }
  return minutes % 60 === 0 ? Duration.hours(minutes / 60) : Duration.minutes(minutes);
}

/**
 * The first run that a clock change skips and the first that it repeats, in words.
 *
 * The controller looks for the next local time that matches. It passes over a time that does not exist, and meets a time that comes twice
 * two times.
 */
function clockTrouble(cron: Cron, timeZone: string): string {
  const doubtful = changedMinutes(timeZone);
  if (cron.everyHour || !cron.minutes.some(minute => doubtful.has(minute))) {
    return '';
  }
  const first = (twice: boolean) =>
    clockChanges(timeZone)
      .filter(change => change.twice === twice)
      .flatMap(change => {
        const minutes = Array.from({ length: (change.until - change.from) / 60_000 }, (_, i) => new Date(change.from + i * 60_000));
        return minutes.filter(local => cron.minutes.includes(local.getUTCHours() * 60 + local.getUTCMinutes()) && cron.matchesDay(local));
      })[0]
      ?.toISOString()
      .replace(/T(..:..).*/, ' $1');
  const [skipped, repeated] = [first(false), first(true)];
  return [
    skipped && `${skipped} does not exist, as the clock goes forward, and that run is skipped`,
    repeated && `${repeated} comes twice, as the clock goes back, and that run happens twice`,
  ]
    .filter(Boolean)
    .join('; ');
}
