import { expect, test } from 'vitest';
import { RepositoryCheck } from '../../lib';
import { backup, chart, environment, objects } from '../support/synth';

function variables(checkRepository?: RepositoryCheck) {
  const shop = chart();
  backup(shop).addVerification({ checkRepository });
  const { CHECK_REPOSITORY, CHECK_DATA_OVER } = environment(objects(shop)['CronJob/orders-verify']);
  return [CHECK_REPOSITORY, CHECK_DATA_OVER];
}

test.each([
  [undefined, ['yes', undefined]],
  [RepositoryCheck.structure(), ['yes', undefined]],
  [RepositoryCheck.none(), ['no', undefined]],
  [RepositoryCheck.readingAll({ over: 12 }), ['yes', '12']],
])('what the script is told %#', (check, expected) => {
  expect(variables(check)).toEqual(expected);
});

test.each([0, 257, 1.5])('fails: a cycle of %d', over => {
  expect(() => variables(RepositoryCheck.readingAll({ over }))).toThrow(
    `shop/orders/verify: checkRepository.over is ${over}: write a whole number from 1 to 256`,
  );
});
