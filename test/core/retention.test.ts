import { App, Chart, Duration } from 'cdk8s';
import { Construct } from 'constructs';
import { describe, expect, test } from 'vitest';
import { Retention } from '../../lib';
import { InputError } from '../../lib/core/input-error';

function policy(retention: Retention): string | undefined {
  const config = retention.bind(new Construct(new Chart(new App(), 'shop'), 'orders'), 'retention');
  expect(Object.keys(config.environment)).toEqual(['RETENTION']);
  return config.environment.RETENTION;
}

describe('what the script reads', () => {
  test.each([
    [Retention.keep({ daily: 7, weekly: 5, monthly: 12 }), 'last=0 hourly=0 daily=7 weekly=5 monthly=12 yearly=0 at-least=3'],
    [
      Retention.keep({ last: 1, hourly: 2, daily: 3, weekly: 4, monthly: 5, yearly: 6, atLeast: 7 }),
      'last=1 hourly=2 daily=3 weekly=4 monthly=5 yearly=6 at-least=7',
    ],
    [Retention.days(30), 'last=0 hourly=0 daily=30 weekly=0 monthly=0 yearly=0 at-least=3'],
    [
      Retention.keep({ daily: 7, within: Duration.days(30) }),
      'last=0 hourly=0 daily=7 weekly=0 monthly=0 yearly=0 within=2592000 at-least=3',
    ],
    [Retention.keep({ within: Duration.days(1) }), 'last=0 hourly=0 daily=0 weekly=0 monthly=0 yearly=0 within=86400 at-least=3'],
    [Retention.all(), 'all'],
  ])('%#', (retention, expected) => {
    expect(policy(retention)).toBe(expected);
  });
});

describe('errors', () => {
  test('no rules at all are no way to say "all"', () => {
    const keep = Retention.keep as unknown as () => Retention;
    expect(keep).toThrow(/^Retention\.keep: rules is not set: .* to keep everything, use Retention\.all\(\)/);
  });

  const nothing = 'no rule keeps anything: set one of last, hourly, daily, weekly, monthly, yearly, within, or use Retention.all()';

  test.each([
    [Retention.keep({}), `retention is {}: ${nothing}`],
    [Retention.keep({ daily: 0 }), `retention is {"daily":0}: ${nothing}`],
    [Retention.keep({ atLeast: 5 }), `retention is {"atLeast":5}: ${nothing}`],
    [Retention.keep({ daily: -1 }), 'retention.daily is -1: write a whole number of 0 or more'],
    [Retention.keep({ weekly: 1.5 }), 'retention.weekly is 1.5: write a whole number of 0 or more'],
    [Retention.keep({ last: Number.NaN }), 'retention.last is null: write a whole number of 0 or more'],
    [Retention.keep({ daily: 7, atLeast: 0 }), 'retention.atLeast is 0: write a whole number of 1 or more'],
    [
      Retention.keep({ within: Duration.millis(1500) }),
      'retention.within is 1.5: write whole seconds, 1 or more, for example Duration.days(30)',
    ],
    [Retention.days(-7), 'retention.daily is -7: write a whole number of 0 or more'],
  ])('%#', (retention, message) => {
    let thrown: unknown;
    try {
      policy(retention);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(InputError);
    expect((thrown as Error).message).toBe(`shop/orders: ${message}`);
  });
});
