import { describe, expect, it } from 'vitest';
import { failureAction } from './job';
import type { ContainerRun, PodRun } from './pod';
import type { PodFailureRule } from './pod-spec';

const container = (name: string, exitCode: number): ContainerRun => ({
  name,
  exitCode,
  init: false,
  restarts: 0,
  log: '',
  terminationMessage: '',
});
const run: PodRun = { name: 'p', phase: 'Failed', containers: [container('main', 3), container('other', 0)] };
const codes = (operator: 'In' | 'NotIn', values: number[], containerName?: string): PodFailureRule => ({
  action: 'FailJob',
  onExitCodes: { operator, values, containerName },
});
const disruption: PodFailureRule = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] };

describe('pod failure policy', () => {
  it.each([
    ['no rule', [], false, 'Count'],
    ['a code in the list', [codes('In', [2, 3])], false, 'FailJob'],
    ['a code not in the list', [codes('In', [2])], false, 'Count'],
    ['a code outside the list', [codes('NotIn', [2])], false, 'FailJob'],
    ['success, which no rule looks at', [codes('In', [0])], false, 'Count'],
    ['success of the named container', [codes('NotIn', [7], 'other')], false, 'Count'],
    ['another container', [codes('In', [3], 'other')], false, 'Count'],
    ['the first rule', [disruption, codes('In', [3])], true, 'Ignore'],
    ['exit codes beside an empty list of conditions', [{ ...codes('In', [3]), onPodConditions: [] }], false, 'FailJob'],
    ['a rule on disruptions without one', [disruption, codes('In', [3])], false, 'FailJob'],
  ])('%s', (_, rules, disrupted, expected) => {
    expect(failureAction(rules, run, disrupted)).toBe(expected);
  });
});
