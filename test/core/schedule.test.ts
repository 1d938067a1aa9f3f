import { createHash } from 'node:crypto';
import { App, Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { Cron as Croner } from 'croner';
import { describe, expect, test } from 'vitest';
import { Cron } from '../../lib/core/cron';
import { InputError } from '../../lib/core/input-error';
import { Schedule, Weekday } from '../../lib/core/schedule';
import { warnings } from '../../lib/core/warning';
import { Random } from '../random';

function construct(id = 'orders'): Construct {
  return new Construct(new Chart(new App(), 'shop'), id);
}

function bind(schedule: Schedule, scope = construct()) {
  const { cron, timeZone, interval } = schedule.bind(scope, 'schedule');
  return { cron, timeZone, interval: interval.toMinutes(), warnings: warnings([scope]) };
}

function cron(schedule: Schedule, scope?: Construct): string {
  return bind(schedule, scope).cron;
}

function failure(schedule: Schedule): string | undefined {
  try {
    bind(schedule);
  } catch (error) {
    return error instanceof InputError ? error.message : undefined;
  }
  return undefined;
}

const DAY = 24 * 60;

describe('factories', () => {
  test.each([
    ['daily', Schedule.daily(), '0 2 * * *', DAY],
    ['daily at', Schedule.daily({ at: '23:05' }), '5 23 * * *', DAY],
    ['hourly', Schedule.hourly(), '0 * * * *', 60],
    ['hourly at a minute', Schedule.hourly({ minute: 59 }), '59 * * * *', 60],
    ['weekly', Schedule.weekly(), '0 2 * * 0', 7 * DAY],
    ['weekly on', Schedule.weekly({ on: Weekday.SATURDAY, at: '04:30' }), '30 4 * * 6', 7 * DAY],
    ['monthly', Schedule.monthly(), '0 2 1 * *', 31 * DAY],
    ['monthly on', Schedule.monthly({ day: 28, at: '00:00' }), '0 0 28 * *', 31 * DAY],
    ['every minute', Schedule.every(Duration.minutes(1)), '* * * * *', 1],
    ['every 15 minutes', Schedule.every(Duration.minutes(15)), '*/15 * * * *', 15],
    ['every hour', Schedule.every(Duration.minutes(60)), '0 * * * *', 60],
    ['every 6 hours', Schedule.every(Duration.hours(6)), '0 */6 * * *', 360],
    ['every day', Schedule.every(Duration.days(1)), '0 0 * * *', DAY],
  ])('%s', (_name, schedule, expected, interval) => {
    expect(bind(schedule)).toEqual({ cron: expected, timeZone: 'UTC', interval, warnings: [] });
  });

  test('never is in UTC, is no error, and a hundred years long', () => {
    expect(bind(Schedule.never())).toEqual({ cron: '0 0 31 2 *', timeZone: 'UTC', interval: 36_525 * DAY, warnings: [] });
  });

  test('the zone is a field for Kubernetes and a prefix for Velero', () => {
    const config = Schedule.daily({ at: '04:30', timeZone: 'Europe/Berlin' }).bind(construct(), 'schedule');
    expect(config).toMatchObject({ cron: '30 4 * * *', timeZone: 'Europe/Berlin' });
    expect(config.toVelero()).toBe('CRON_TZ=Europe/Berlin 30 4 * * *');
  });
});

describe('errors name the construct, the prop and what to write', () => {
  test.each([
    [Schedule.daily({ at: '2:30' }), `schedule.at is "2:30": write HH:MM on a 24-hour clock, such as '02:30'`],
    [Schedule.daily({ at: '24:00' }), `schedule.at is "24:00": write HH:MM on a 24-hour clock, such as '02:30'`],
    [Schedule.hourly({ minute: 60 }), 'schedule.minute is 60: write a whole number from 0 to 59'],
    [Schedule.hourly({ minute: 1.5 }), 'schedule.minute is 1.5: write a whole number from 0 to 59'],
    [Schedule.monthly({ day: 31 }), 'schedule.day is 31: write a whole number from 1 to 28'],
    [
      Schedule.every(Duration.minutes(7)),
      'schedule is "every 7 minutes": it divides neither the hour nor the day evenly: choose 6 minutes or 10 minutes',
    ],
    [
      Schedule.every(Duration.hours(5)),
      'schedule is "every 5 hours": it divides neither the hour nor the day evenly: choose 4 hours or 6 hours',
    ],
    [
      Schedule.every(Duration.seconds(30)),
      'schedule is "every 0.5 minutes": it divides neither the hour nor the day evenly: choose 1 minute',
    ],
    [
      Schedule.every(Duration.days(2)),
      'schedule is "every 48 hours": it divides neither the hour nor the day evenly: the longest is 24 hours: for more, use Schedule.weekly() or Schedule.monthly()',
    ],
  ])('%#', (schedule, message) => {
    expect(failure(schedule)).toBe(`shop/orders: ${message}`);
  });
});

describe('cron', () => {
  test.each([
    ['30 2 * * *', '30 2 * * *', DAY],
    ['  30  2 * *\t* ', '30 2 * * *', DAY],
    ['*/15 8-18 * * MON-FRI', '*/15 8-18 * * MON-FRI', 3 * DAY - 10 * 60 - 45],
    ['0 0 1 jan,Jul ?', '0 0 1 jan,Jul ?', 184 * DAY],
    ['5/20 * * * *', '5/20 * * * *', 20],
    ['0 0 29 2 *', '0 0 29 2 *', (4 * 365 + 1) * DAY],
    // Either is enough when both are restricted, so that these do fire.
    ['0 0 31 2 1', '0 0 31 2 1', undefined],
    ['0 0 31 4 */2', '0 0 31 4 */2', undefined],
    ['0 0 13 * 5', '0 0 13 * 5', 7 * DAY],
    ['0 2,14 * * *', '0 2,14 * * *', DAY / 2],
    ['0 2,3 * * *', '0 2,3 * * *', 23 * 60],
  ])('%s', (expression, expected, interval) => {
    const bound = bind(Schedule.cron(expression));
    expect(bound.cron).toBe(expected);
    if (interval !== undefined) {
      expect(bound.interval).toBe(interval);
    }
  });

  test.each([
    ['@daily', "macros hide the time of day; write '0 0 * * *'"],
    ['@every 1h', "write five fields, such as '30 2 * * *'"],
    ['CRON_TZ=Europe/Berlin 0 3 * * *', 'the API server refuses a zone in the schedule; write the five fields alone'],
    ['TZ=UTC 0 3 * * *', 'the API server refuses a zone in the schedule; write the five fields alone'],
    ['0 30 2 * * *', 'six fields are another dialect, with seconds first: write the five of a CronJob'],
    ['30 2 * *', 'write five fields: minute, hour, day of month, month, day of week'],
    ['', 'write five fields'],
    ['0 0 * * 7', 'day of week 7 is not from 0 to 6; in Kubernetes Sunday is 0'],
    ['0 0 * * 5-7', 'day of week 7 is not from 0 to 6; in Kubernetes Sunday is 0'],
    ['60 0 * * *', 'minute 60 is not from 0 to 59'],
    ['0 24 * * *', 'hour 24 is not from 0 to 23'],
    ['0 0 0 * *', 'day of month 0 is not from 1 to 31'],
    ['0 0 * 13 *', 'month 13 is not from 1 to 12'],
    ['0 0 L * *', "day of month 'L' is not a number from 1 to 31; Kubernetes has no L, W, # and H of other crons"],
    ['0 0 15W * *', "day of month '15W' is not a number from 1 to 31; Kubernetes has no L, W, # and H"],
    ['0 0 * * 5#3', "day of week '5#3' is not '*', 'N', 'N-M', or one of these with '/step'; Kubernetes has no L, W, # and H"],
    ['H 2 * * *', "minute 'H' is not a number from 0 to 59; Kubernetes has no L, W, # and H"],
    ['0 0 * * FRI-MON', "day of week 'FRI-MON' runs backwards: split it in two, 'FRI-6,0-MON'"],
    ['0 0 * * Freitag', "day of week 'Freitag' is not a number from 0 to 6 or a name, SUN to SAT"],
    ['0 0 * FOO *', "month 'FOO' is not a number from 1 to 12 or a name, JAN to DEC"],
    ['*/0 * * * *', "minute '*/0' has a step of 0: write a step of at least 1"],
    ['1,,2 * * * *', "minute '' is not '*'"],
    ['*-5 * * * *', "minute '*-5' is not '*'"],
    ['-5 * * * *', "minute '-5' is not '*'"],
    ['1-2-3 * * * *', "minute '1-2-3' is not '*'"],
    ['1/2/3 * * * *', "minute '1/2/3' is not '*'"],
    ['0 0 31 2 *', 'none of its months has such a day, so it never runs: if that is intended, use Schedule.never()'],
    ['0 0 30 2 *', 'none of its months has such a day, so it never runs'],
    ['0 0 31 4,6,9,11 ?', 'none of its months has such a day, so it never runs'],
    // A star with a step of 1 still is a star.
    ['0 0 31 2 */1', 'none of its months has such a day, so it never runs'],
  ])('refuses %s', (expression, because) => {
    expect(() => bind(Schedule.cron(expression))).toThrow(`shop/orders: schedule is ${JSON.stringify(expression)}: ${because}`);
  });

  // What croner understands as robfig/cron does: no day of week 7, no '?', no 'N/step', no step in a day beside another one.
  const random = new Random(7);
  const field = (min: number, max: number, names: string[] = []) => {
    const value = () => {
      const number = min + random.below(max - min + 1);
      return names.length && random.chance(0.3) ? (names[number - min] ?? '') : String(number);
    };
    const shapes = [
      () => '*',
      () => value(),
      () => `${value()},${value()}`,
      () => {
        const [low, high] = [min + random.below(max - min + 1), min + random.below(max - min + 1)].sort((a, b) => a - b);
        return `${low}-${high}`;
      },
    ];
    return random.pick(shapes)();
  };
  const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
  const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
  const lines = Array.from({ length: 150 }, () =>
    [field(0, 59), field(0, 23), field(1, 28), field(1, 12, MONTHS), field(0, 6, DAYS)].join(' '),
  );

  test('fires when croner says so', () => {
    const from = new Date('2026-12-31T23:59:59Z');
    for (const line of lines) {
      const expected = new Croner(line, { timezone: 'UTC', mode: '5-part' }).nextRuns(40, from).map(date => date.getTime());
      const parsed = Cron.parse(line);
      const runs: number[] = [];
      for (let day = Date.UTC(2027, 0, 1); runs.length < expected.length; day += DAY * 60_000) {
        runs.push(...(parsed.matchesDay(new Date(day)) ? parsed.minutes.map(minute => day + minute * 60_000) : []));
      }
      expect(runs.slice(0, expected.length), line).toEqual(expected);
    }
  });

  test('knows the longest gap that croner finds in four years', () => {
    for (const line of lines.filter(text => /^\d+ \d+ /.test(text))) {
      const runs = new Croner(line, { timezone: 'UTC', mode: '5-part' })
        .nextRuns(4 * 366, new Date('2026-12-31T23:59:59Z'))
        .filter(date => date.getUTCFullYear() < 2031);
      const gaps = runs.slice(1).map((run, i) => (run.getTime() - (runs[i]?.getTime() ?? 0)) / 60_000);
      const longest = Cron.parse(line).longestGap() ?? 0;
      expect(longest, line).toBeGreaterThanOrEqual(Math.max(...gaps));
      expect(longest, line).toBeLessThanOrEqual(Math.max(...gaps) + 7 * DAY);
    }
  });
});

describe('spread', () => {
  const offset = (path: string, minutes: number) =>
    Number(BigInt(`0x${createHash('sha256').update(path).digest('hex').slice(0, 12)}`) % BigInt(minutes));

  test('is the contract: 48 bits of the SHA-256 of the path, modulo the minutes', () => {
    expect(offset('shop/orders', 60)).toBe(4);
    expect(cron(Schedule.daily({ at: '04:00', spread: Duration.minutes(60) }))).toBe('4 4 * * *');
  });

  test('stays within the spread, uses all of it, and moves constructs apart', () => {
    const schedule = Schedule.daily({ at: '04:00', spread: Duration.hours(1) });
    const minutes = Array.from({ length: 500 }, (_, i) => cron(schedule, construct(`db-${i}`)));
    expect(new Set(minutes)).toEqual(new Set(Array.from({ length: 60 }, (_, minute) => `${minute} 4 * * *`)));
  });

  test.each(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])('moves every kind of schedule by that offset: %s', id => {
    const path = `shop/${id}`;
    const at = (start: number, minutes: number) => start + offset(path, minutes);
    const clock = (minute: number) => `${minute % 60} ${Math.floor(minute / 60) % 24}`;
    const spread = (minutes: number) => ({ spread: Duration.minutes(minutes) });
    const here = (schedule: Schedule) => cron(schedule, construct(id));
    expect(here(Schedule.hourly({ minute: 50, ...spread(60) }))).toBe(`${at(50, 60) % 60} * * * *`);
    expect(here(Schedule.daily({ at: '23:30', ...spread(120) }))).toBe(`${clock(at(1410, 120))} * * *`);
    const late = at(1410, 120);
    expect(here(Schedule.weekly({ on: Weekday.SATURDAY, at: '23:30', ...spread(120) }))).toBe(`${clock(late)} * * ${late < DAY ? 6 : 0}`);
    expect(here(Schedule.monthly({ at: '23:00', ...spread(60) }))).toBe(`${clock(at(1380, 60))} 1 * *`);
    expect(here(Schedule.cron('0 23 5 * MON', spread(60)))).toBe(`${clock(at(1380, 60))} 5 * MON`);
    expect(here(Schedule.cron('30 23 * * *', spread(120)))).toBe(`${clock(late)} * * *`);

    const first = at(0, 360);
    const six = here(Schedule.every(Duration.hours(6), spread(360)));
    expect(Cron.parse(six).minutes).toEqual([0, 1, 2, 3].map(i => first + i * 360));
    const quarter = here(Schedule.every(Duration.minutes(15), spread(15)));
    expect(Cron.parse(quarter).minutes.slice(0, 3)).toEqual([0, 1, 2].map(i => at(0, 15) + i * 15));
    expect(bind(Schedule.every(Duration.hours(6), spread(360)), construct(id)).interval).toBe(360);
  });

  test('a spread of a week moves the weekday', () => {
    const days = Array.from({ length: 60 }, (_, i) => cron(Schedule.weekly({ spread: Duration.days(7) }), construct(`db-${i}`)).slice(-1));
    expect(new Set(days).size).toBe(7);
  });

  test.each([
    [Schedule.hourly({ spread: Duration.minutes(61) }), 'schedule.spread is "61 minutes": write at most 60 minutes, an hour'],
    [Schedule.daily({ spread: Duration.hours(25) }), 'schedule.spread is "1500 minutes": write at most 1440 minutes, a day'],
    [Schedule.weekly({ spread: Duration.days(8) }), 'schedule.spread is "11520 minutes": write at most 10080 minutes, a week'],
    [
      Schedule.monthly({ at: '23:00', spread: Duration.minutes(61) }),
      'schedule.spread is "61 minutes": write at most 60 minutes, the rest of the day, as the next day may be in the next month',
    ],
    [
      Schedule.every(Duration.minutes(15), { spread: Duration.minutes(16) }),
      'schedule.spread is "16 minutes": write at most 15 minutes, the interval',
    ],
    [
      Schedule.cron('0 23 * * MON', { spread: Duration.minutes(61) }),
      'schedule.spread is "61 minutes": write at most 60 minutes, the rest of the day, as the next day may be a wrong one',
    ],
    [
      Schedule.cron('0 */2 * * *', { spread: Duration.minutes(5) }),
      'schedule.spread is "5 minutes": only a schedule with one plain minute and hour can be spread: use Schedule.every(...)',
    ],
    [
      Schedule.daily({ spread: Duration.seconds(90) }),
      'schedule.spread is "1.5 minutes": cron counts whole minutes: write a whole number of them',
    ],
  ])('refuses what does not fit: %#', (schedule, message) => {
    expect(failure(schedule)).toBe(`shop/orders: ${message}`);
  });
});

describe('time zones', () => {
  test.each([
    'UTC',
    'Europe/Berlin',
    'Asia/Kolkata',
    'America/Argentina/Buenos_Aires',
    'America/Port-au-Prince',
    'Etc/GMT+5',
    'Europe/Kyiv',
  ])('knows %s', timeZone => {
    expect(bind(Schedule.daily({ at: '12:00', timeZone })).timeZone).toBe(timeZone);
  });

  test.each([
    ['Local', "'Local' depends on the control plane, and Kubernetes refuses it: write an IANA name"],
    ['local', "'Local' depends on the control plane"],
    ['Europe/Atlantis', 'there is no such time zone: write an IANA name by area and city'],
    ['', 'there is no such time zone'],
    ['europe/berlin', "names of time zones are case-sensitive in Kubernetes: write 'Europe/Berlin'"],
    ['asia/kolkata', 'write an IANA name by area and city'],
    ['PST', "write an IANA name by area and city, such as 'Europe/Berlin', or 'UTC'"],
    ['+01:00', 'there is no such time zone: write'],
  ])('refuses %s', (timeZone, because) => {
    expect(() => bind(Schedule.daily({ timeZone }))).toThrow(`shop/orders: schedule.timeZone is ${JSON.stringify(timeZone)}: ${because}`);
  });
});

describe('clock changes', () => {
  test('warns about a time that is skipped and repeated', () => {
    expect(bind(Schedule.daily({ at: '02:30', timeZone: 'Europe/Berlin' })).warnings).toEqual([
      "warning: shop/orders: schedule '30 2 * * *' in Europe/Berlin: 2027-03-28 02:30 does not exist, as the clock goes forward, and that run is skipped; 2027-10-31 02:30 comes twice, as the clock goes back, and that run happens twice: choose a time between 04:00 and 21:00, when no clock changes, or UTC",
    ]);
  });

  test.each([
    ['America/New_York', '02:30', ['2027-03-14 02:30 does not exist']],
    ['America/New_York', '01:30', ['2027-11-07 01:30 comes twice']],
    ['Australia/Lord_Howe', '02:15', ['2027-10-03 02:15 does not exist']],
    ['Australia/Lord_Howe', '01:45', ['2027-04-04 01:45 comes twice']],
    ['America/Santiago', '00:30', ['2027-09-05 00:30 does not exist']],
    ['America/Santiago', '23:30', ['2027-04-03 23:30 comes twice']],
  ])('in %s at %s', (timeZone, at, parts) => {
    const [text, ...more] = bind(Schedule.daily({ at, timeZone })).warnings;
    expect(more).toEqual([]);
    for (const part of parts) {
      expect(text).toContain(part);
    }
    expect(text?.match(/does not exist|comes twice/g)).toHaveLength(parts.length);
  });

  test.each([
    ['UTC never changes', Schedule.daily({ at: '02:30' })],
    ['an hour at which it does not change', Schedule.daily({ at: '01:59', timeZone: 'Europe/Berlin' })],
    ['the hour after', Schedule.daily({ at: '03:00', timeZone: 'Europe/Berlin' })],
    ['a zone without summer time', Schedule.daily({ at: '02:30', timeZone: 'Asia/Tokyo' })],
    ['a weekday on which it does not change', Schedule.weekly({ on: Weekday.WEDNESDAY, at: '02:30', timeZone: 'Europe/Berlin' })],
    ['a day of the month on which it does not change', Schedule.monthly({ day: 1, at: '02:30', timeZone: 'Europe/Berlin' })],
    ['every hour', Schedule.hourly({ timeZone: 'Europe/Berlin' })],
    ['never', Schedule.never()],
  ])('no warning: %s', (_name, schedule) => {
    expect(bind(schedule).warnings).toEqual([]);
  });

  test('looks at the time after the spread', () => {
    const warned = Array.from({ length: 20 }, (_, i) => {
      const bound = bind(Schedule.daily({ at: '01:30', timeZone: 'Europe/Berlin', spread: Duration.hours(1) }), construct(`db-${i}`));
      expect(bound.warnings.length).toBe(/ 2 /.test(bound.cron) ? 1 : 0);
      return bound.warnings.length;
    });
    expect(new Set(warned).size).toBe(2);
  });

  test('between 04:00 and 21:00 no clock of any zone changes, as the warning says', () => {
    const zones = Intl.supportedValuesOf('timeZone').filter(zone => zone.includes('/'));
    for (const timeZone of zones) {
      expect(bind(Schedule.cron('* 4-20 * * *', { timeZone })).warnings, timeZone).toEqual([]);
    }
  });
});
