import type { Chart } from 'cdk8s';
import { describe, expect, test } from 'vitest';
import { SecretRef } from '../../lib';
import { warnings } from '../../lib/core/warning';
import { backup, chart, environment, objects } from '../support/synth';

const key = (name: string, of: string) => ({ secretKeyRef: { name: of, key: name } });

/** What the backup's pod takes for the user and the password. */
function asked(credentials: SecretRef) {
  const shop = chart();
  backup(shop, { credentials }).addRestore();
  const made = objects(shop);
  const { PGUSER, PGPASSWORD } = environment(made['CronJob/orders-backup']);
  expect(environment(made['CronJob/orders-restore'])).toMatchObject({ PGUSER, PGPASSWORD });
  return [PGUSER, PGPASSWORD];
}

describe('credentials are taken from the Secret that somebody has', () => {
  test.each<[string, SecretRef, unknown, unknown]>([
    ['with our keys', SecretRef.named('db'), key('username', 'db'), key('password', 'db')],
    ['with its own', SecretRef.named('db', { username: 'user', password: 'pw' }), key('user', 'db'), key('pw', 'db')],
    ['without a user', SecretRef.named('db', { password: 'root-password' }).withUsername('root'), 'root', key('root-password', 'db')],
    ['CloudNativePG', SecretRef.cloudNativePg('main'), key('username', 'main-app'), key('password', 'main-app')],
    ['PGO', SecretRef.pgo('main', 'app'), key('user', 'main-pguser-app'), key('password', 'main-pguser-app')],
    [
      'Zalando',
      SecretRef.zalando('acid-main', 'app_owner'),
      key('username', 'app-owner.acid-main.credentials.postgresql.acid.zalan.do'),
      key('password', 'app-owner.acid-main.credentials.postgresql.acid.zalan.do'),
    ],
    ['Bitnami', SecretRef.bitnamiPostgresql('main-postgresql'), 'postgres', key('postgres-password', 'main-postgresql')],
  ])('%s', (_, credentials, user, password) => {
    expect(asked(credentials)).toEqual([user, password]);
  });
});

describe('a key that is renamed, and that nobody asks for', () => {
  const warned = (make: (shop: Chart) => void) => {
    const shop = chart();
    make(shop);
    for (const construct of shop.node.findAll()) construct.node.validate();
    return warnings(shop.node.findAll()).filter(each => each.includes('nothing uses the key'));
  };
  const misspelt = SecretRef.named('db', { user: 'u', password: 'pw' });
  const said = "warning: shop/orders: nothing uses the key 'user' of Secret db, which keys renames: the keys in use are password, username";

  test('is warned of, with those that are asked for', () => {
    expect(warned(shop => backup(shop, { credentials: misspelt }))).toEqual([said]);
    expect(warned(shop => backup(shop).addRestore({ credentials: misspelt }))).toEqual([said]);
  });

  test('is fine where all are asked for, or the user is said', () => {
    const right = SecretRef.named('db', { username: 'u', password: 'pw' });
    expect(warned(shop => backup(shop, { credentials: right }).addRestore({ credentials: right.withUsername('root') }))).toEqual([]);
  });
});
