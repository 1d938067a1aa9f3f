import { describe, expect, test } from 'vitest';
import { RecoveryOrder } from '../../lib/velero';
import { chart, objects } from '../support/synth';
import { frontend, refusal, server } from './workloads';

describe('the order of recovery', () => {
  test('is written on the workloads, not on their pods', () => {
    const shop = chart();
    const [database, shopFront] = [server(shop), frontend(shop)];
    RecoveryOrder.of(database, { priority: 10 });
    RecoveryOrder.of(shopFront, { dependsOn: [database] });
    const synthesized = objects(shop);
    expect(synthesized['StatefulSet/orders-db'].metadata.annotations).toEqual({ 'cdk8s-backup/recovery-priority': '10' });
    expect(synthesized['Deployment/shop'].metadata.annotations).toEqual({
      'cdk8s-backup/recovery-priority': '0',
      'cdk8s-backup/depends-on': 'StatefulSet/shop/orders-db',
    });
    expect(synthesized['Deployment/shop'].spec.template.metadata.annotations).toBeUndefined();
  });

  test('is what depends on nothing first, and by priority where several could come', () => {
    const shop = chart();
    const [orders, users] = [server(shop, {}, 'orders-db'), server(shop, {}, 'users-db')];
    RecoveryOrder.of(frontend(shop, 'web'), { dependsOn: [orders, users], priority: 100 });
    RecoveryOrder.of(frontend(shop, 'mail'), { dependsOn: [users] });
    RecoveryOrder.of(orders, {});
    RecoveryOrder.of(users, { priority: 5 });
    expect(RecoveryOrder.stepsOf(shop).map(({ workload }) => workload)).toEqual([
      'StatefulSet/shop/users-db',
      'Deployment/shop/mail',
      'StatefulSet/shop/orders-db',
      'Deployment/shop/web',
    ]);
  });

  test('is refused when it has no beginning', () => {
    const shop = chart();
    const [a, b, c] = [frontend(shop, 'a'), frontend(shop, 'b'), frontend(shop, 'c')];
    RecoveryOrder.of(a, { dependsOn: [b] });
    RecoveryOrder.of(b, { dependsOn: [c] });
    expect(refusal(() => RecoveryOrder.of(c, { dependsOn: [a] }))).toContain(
      'dependsOn is ["Deployment/shop/c","Deployment/shop/a","Deployment/shop/b","Deployment/shop/c"]: they would wait for each other in a circle',
    );
  });

  test('is refused of itself, of another app, of what is no workload, twice, and by halves', () => {
    const shop = chart();
    const [database, web] = [server(shop), frontend(shop)];
    expect(refusal(() => RecoveryOrder.of(web, { dependsOn: [server(chart())] }))).toContain(
      'dependsOn[0] is "shop/orders-db": it belongs to another app',
    );
    expect(refusal(() => new RecoveryOrder(shop, 'self', { workload: web, dependsOn: [web] }))).toContain(
      'they would wait for each other in a circle',
    );
    expect(refusal(() => new RecoveryOrder(shop, 'none', { workload: shop }))).toContain('pass a single workload');
    RecoveryOrder.of(database, {});
    expect(refusal(() => new RecoveryOrder(shop, 'twice', { workload: database }))).toContain('its place in the order is already set');
    expect(refusal(() => new RecoveryOrder(shop, 'half', { workload: server(shop, {}, 'x'), priority: 0.5 }))).toContain('priority is 0.5');
  });
});
