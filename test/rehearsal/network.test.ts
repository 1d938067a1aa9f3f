import { describe, expect, it } from 'vitest';
import { egressOf, Services, selects } from './network';
import type { Loose } from './tiny';

const policy = (spec: Loose) => ({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'p' }, spec });
const DNS = {
  ports: [
    { port: 53, protocol: 'UDP' },
    { port: 53, protocol: 'TCP' },
  ],
};
const free = { network: true, dns: true };

describe('egress', () => {
  const labels = { app: 'backup' };
  const allow = (...egress: Loose[]) => policy({ podSelector: {}, policyTypes: ['Egress'], egress });
  it.each([
    ['no policy', [], free],
    ['a policy for other pods', [policy({ podSelector: { matchLabels: { app: 'x' } }, policyTypes: ['Egress'] })], free],
    ['a policy on ingress', [policy({ podSelector: {}, policyTypes: ['Ingress'] })], free],
    ['a policy that names no type and no egress', [policy({ podSelector: {} })], free],
    ['a policy that names no type but egress', [policy({ podSelector: {}, egress: [DNS] })], { network: false, dns: true }],
    ['deny all', [allow()], { network: false, dns: false }],
    ['DNS only', [allow(DNS)], { network: false, dns: true }],
    ['DNS by TCP only, which no resolver starts with', [allow({ ports: [{ port: 53 }] })], { network: false, dns: false }],
    ['DNS and a database', [allow(DNS, { ports: [{ port: 5432 }] })], free],
    ['a database without DNS', [allow({ ports: [{ port: 5432 }] })], { network: true, dns: false }],
    ['a rule without ports', [allow({ to: [{ podSelector: {} }] })], free],
    ['a range over port 53', [allow({ ports: [{ port: 1, endPort: 100, protocol: 'UDP' }] })], free],
    ['a range past port 53', [allow({ ports: [{ port: 54, endPort: 100, protocol: 'UDP' }] })], { network: true, dns: false }],
    ['two policies that add up', [allow(), allow({})], free],
  ])('%s', (_, policies, expected) => {
    expect(egressOf(policies, labels)).toEqual(expected);
  });
});

describe('label selectors', () => {
  const labels = { app: 'backup', tier: 'gold' };
  it.each([
    [{}, true],
    [{ matchLabels: { app: 'backup', tier: 'gold' } }, true],
    [{ matchLabels: { app: 'backup', tier: 'iron' } }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['x', 'backup'] }] }, true],
    [{ matchExpressions: [{ key: 'gone', operator: 'In', values: [''] }] }, false],
    [{ matchExpressions: [{ key: 'gone', operator: 'NotIn', values: ['x'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['backup'] }] }, false],
    [
      {
        matchExpressions: [
          { key: 'app', operator: 'Exists' },
          { key: 'tier', operator: 'DoesNotExist' },
        ],
      },
      false,
    ],
  ])('%j: %s', (selector, expected) => {
    expect(selects(selector, labels, 'here')).toBe(expected);
  });

  it('refuses an operator it does not know', () => {
    expect(() => selects({ matchExpressions: [{ key: 'a', operator: 'Gt' }] }, labels, 'NetworkPolicy p')).toThrow(
      'NetworkPolicy p: operator Gt',
    );
  });
});

describe('services', () => {
  const services = new Services();
  services.add('shop', 'orders-db', '127.9.8.7', [{ name: 'sql', port: 5432 }]);

  it('have their bare name in their own namespace only', () => {
    expect(services.hosts('shop', 'pod-1', '127.0.0.1', true)).toMatch(/^127\.9\.8\.7 .*orders-db\.shop\.svc orders-db\.shop orders-db$/m);
    expect(services.hosts('other', 'pod-1', '127.0.0.1', true)).toMatch(
      /^127\.9\.8\.7 orders-db\.shop\.svc\.cluster\.local orders-db\.shop\.svc orders-db\.shop$/m,
    );
  });

  it('have no names without DNS', () => {
    expect(services.hosts('shop', 'pod-1', '127.0.0.1', false)).not.toContain('orders-db');
  });

  it('are linked by variables in their namespace, unless that is switched off; the API server always is', () => {
    const links = services.links('shop', true);
    expect(links).toMatchObject({
      ORDERS_DB_SERVICE_HOST: '127.9.8.7',
      ORDERS_DB_SERVICE_PORT: '5432',
      ORDERS_DB_SERVICE_PORT_SQL: '5432',
    });
    expect(links).toMatchObject({ ORDERS_DB_PORT: 'tcp://127.9.8.7:5432', ORDERS_DB_PORT_5432_TCP_ADDR: '127.9.8.7' });
    for (const other of [services.links('shop', false), services.links('other', true)]) {
      expect(Object.keys(other).filter(name => name.startsWith('ORDERS'))).toEqual([]);
      expect(other).toHaveProperty('KUBERNETES_SERVICE_HOST');
    }
  });

  it('live on loopback, once', () => {
    expect(() => services.add('shop', 'x', '10.0.0.1', [])).toThrow('not a loopback address');
    expect(() => services.add('shop', 'orders-db', '127.0.0.1', [])).toThrow('there already');
  });
});

describe('names', () => {
  const hosts = (services: Services) => services.hosts('shop', 'pod', '127.0.0.9', true);

  it('a service that moved is found at its new address only', () => {
    const services = new Services();
    services.add('shop', 'db', '127.0.0.2', []);
    services.move('shop', 'db', '127.0.0.3');
    expect(hosts(services)).toContain('127.0.0.3 db.shop.svc.cluster.local db.shop.svc db.shop db\n');
    expect(hosts(services)).not.toContain('127.0.0.2');
    expect(() => services.move('shop', 'nothing', '127.0.0.3')).toThrow('service shop/nothing is not there');
  });

  it('a name outside the cluster is the same in every namespace, and must be on loopback', () => {
    const services = new Services();
    services.outside('vault.example', '127.0.0.4');
    expect(hosts(services)).toContain('127.0.0.4 vault.example\n');
    expect(services.hosts('shop', 'pod', '127.0.0.9', false)).not.toContain('vault.example');
    expect(() => services.outside('vault.example', '10.0.0.1')).toThrow('10.0.0.1 is not a loopback address');
  });
});
