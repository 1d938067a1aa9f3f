/** One of the five fields: its bounds, and the names that stand for numbers. */
interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names: string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const MINUTE: Field = { name: 'minute', min: 0, max: 59, names: [] };
const HOUR: Field = { name: 'hour', min: 0, max: 23, names: [] };
const DAY: Field = { name: 'day of month', min: 1, max: 31, names: [] };
const MONTH: Field = { name: 'month', min: 1, max: 12, names: MONTHS };
const WEEKDAY: Field = { name: 'day of week', min: 0, max: 6, names: DAYS };

const MACROS: { [macro: string]: string } = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const DAY_MS = 24 * 60 * 60 * 1000;
/** After 28 years weekdays, months and leap years repeat, until 2100. */
const CYCLE_START = Date.UTC(2025, 0, 1);
const CYCLE_DAYS = 28 * 365 + 7;

/** The numbers that a field names; `any` for a star, which differs from naming all of them. */
interface FieldValues {
  readonly numbers: Set<number>;
  readonly any: boolean;
}

/** Why a cron line was refused, and what to write instead. */
export class CronError extends Error {}

/**
 * A five-field cron line as Kubernetes understands it.
 *
 * The dialect is that of ParseStandard in github.com/robfig/cron v3. The API server checks `spec.schedule` by it, and the controller
 * computes the next run by it.
 *
 * - Day of week is 0 to 6.
 * - `N/step` means `N-max/step`.
 * - When both day of month and day of week are restricted, a day matches by either.
 * - Macros and `TZ=` are left out: macros hide the time of day, and the API server refuses `TZ=`.
 *
 * (Kubernetes documentation, "CronJob", "Schedule syntax".)
 */
export class Cron {
  /**
   * @throws CronError
   */
  public static parse(text: string): Cron {
    const line = text.trim();
    if (line.startsWith('@')) {
      const plain = MACROS[line.toLowerCase()];
      throw new CronError(plain ? `macros hide the time of day; write '${plain}'` : `write five fields, such as '30 2 * * *'`);
    }
    if (/TZ=/.test(line)) {
      throw new CronError('the API server refuses a zone in the schedule; write the five fields alone and name the zone in timeZone');
    }
    const fields = line.split(/\s+/);
    const [minute, hour, day, month, weekday] = fields;
    if (fields.length === 6) {
      throw new CronError(
        'six fields are another dialect, with seconds first: write the five of a CronJob: minute, hour, day, month, day of week',
      );
    }
    if (fields.length !== 5 || !minute || !hour || !day || !month || !weekday) {
      throw new CronError("write five fields: minute, hour, day of month, month, day of week, such as '30 2 * * *'");
    }
    return new Cron(
      fields.join(' '),
      [day, month, weekday].join(' '),
      values(HOUR, hour),
      values(MINUTE, minute),
      values(DAY, day),
      values(MONTH, month),
      values(WEEKDAY, weekday),
    );
  }

  /** The minutes of a day at which it fires, if the day matches; in order. */
  public readonly minutes: number[];

  private constructor(
    /** The line itself, one blank between fields. */
    public readonly text: string,
    private readonly days: string,
    private readonly hour: FieldValues,
    minute: FieldValues,
    private readonly day: FieldValues,
    private readonly month: FieldValues,
    private readonly weekday: FieldValues,
  ) {
    const ascending = (a: number, b: number) => a - b;
    this.minutes = [...hour.numbers].flatMap(h => [...minute.numbers].map(m => h * 60 + m)).sort(ascending);
  }

  /** Whether it fires in every hour of a day, so that no clock change costs a run. */
  public get everyHour(): boolean {
    return this.hour.numbers.size === 24;
  }

  /** The minute of the day, if it is a single one written as plain numbers. */
  public get fixedTime(): number | undefined {
    return /^\d+ \d+ /.test(this.text) ? this.minutes[0] : undefined;
  }

  /** Whether every day matches. */
  public get everyDay(): boolean {
    return /^[*?] [*?] [*?]$/.test(this.days);
  }

  /** Whether it fires on a day, which is given as that day's midnight in UTC. */
  public matchesDay(date: Date): boolean {
    const day = this.day.numbers.has(date.getUTCDate());
    const weekday = this.weekday.numbers.has(date.getUTCDay());
    const either = !this.day.any && !this.weekday.any;
    return this.month.numbers.has(date.getUTCMonth() + 1) && (either ? day || weekday : day && weekday);
  }

  /** The longest time between two runs, in minutes of the local clock; undefined when it never fires. */
  public longestGap(): number | undefined {
    const days = this.longestDayGap();
    const [first, last] = [this.minutes[0], this.minutes[this.minutes.length - 1]];
    if (days === undefined || first === undefined || last === undefined) {
      return undefined;
    }
    const overnight = days * 24 * 60 + first - last;
    return this.minutes.reduce((gap, minute, i) => Math.max(gap, minute - (this.minutes[i - 1] ?? minute)), overnight);
  }

  private longestDayGap(): number | undefined {
    if (!dayGaps.has(this.days)) {
      const matching = Array.from({ length: CYCLE_DAYS }, (_, i) => i).filter(i => this.matchesDay(new Date(CYCLE_START + i * DAY_MS)));
      const start = (matching[matching.length - 1] ?? 0) - CYCLE_DAYS;
      dayGaps.set(this.days, matching.length ? Math.max(...matching.map((day, i) => day - (matching[i - 1] ?? start))) : undefined);
    }
    return dayGaps.get(this.days);
  }
}

/** Hundreds of backups share a few patterns of days, and 28 years take long to compute. */
const dayGaps = new Map<string, number | undefined>();

function values(field: Field, text: string): FieldValues {
  const items = text.split(',').map(item => range(field, item));
  return { numbers: new Set(items.flatMap(item => item.numbers)), any: items.some(item => item.any) };
}

/** `*`, `N`, `N-M`, each also with `/step`. */
function range(field: Field, item: string): { numbers: number[]; any: boolean } {
  const match = /^(?<star>[*?])?(?<from>\w+)?(?:-(?<to>\w+))?(?:\/(?<step>\d+))?$/.exec(item)?.groups ?? {};
  const { star, from, to } = match;
  if (Boolean(star) === Boolean(from) || (star && to)) {
    throw new CronError(`${field.name} '${item}' is not '*', 'N', 'N-M', or one of these with '/step'${alien(field, item)}`);
  }
  const step = Number(match.step ?? 1);
  if (step === 0) {
    throw new CronError(`${field.name} '${item}' has a step of 0: write a step of at least 1`);
  }
  const first = from === undefined ? field.min : number(field, from);
  const last = to !== undefined ? number(field, to) : from === undefined || match.step !== undefined ? field.max : first;
  if (first > last) {
    throw new CronError(`${field.name} '${item}' runs backwards: split it in two, '${from}-${field.max},${field.min}-${to}'`);
  }
  const numbers = Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);
  // In robfig/cron a star with a step restricts the field; with `/1` it does not.
  return { numbers, any: Boolean(star) && step === 1 };
}

function number(field: Field, text: string): number {
  const index = field.names.indexOf(text.toUpperCase());
  if (index >= 0) {
    return index + field.min;
  }
  if (!/^\d+$/.test(text)) {
    const names = field.names.length ? ` or a name, ${field.names[0]} to ${field.names[field.names.length - 1]}` : '';
    throw new CronError(`${field.name} '${text}' is not a number from ${field.min} to ${field.max}${names}${alien(field, text)}`);
  }
  const value = Number(text);
  if (value < field.min || value > field.max) {
    const sunday = field === WEEKDAY && value === 7 ? '; in Kubernetes Sunday is 0' : '';
    throw new CronError(`${field.name} ${text} is not from ${field.min} to ${field.max}${sunday}`);
  }
  return value;
}

/** Other cron dialects have marks for last days, working days, n-th weekdays and hashes; Kubernetes has none of them. */
function alien(field: Field, text: string): string {
  return /[LW#H]/i.test(text) && (field === DAY || field === WEEKDAY || /^H/i.test(text))
    ? '; Kubernetes has no L, W, # and H of other crons'
    : '';
}
