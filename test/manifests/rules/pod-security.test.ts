import { describe, expect, test } from 'vitest';
import type { Manifest } from '../manifest';
import { setAt } from '../paths';
import { PLATFORMS } from '../platforms';
import { POD, planted, specimen } from '../specimen';
import { podSecurity } from './pod-security';

describe('the profile "restricted" refuses in a pod', () => {
  test.each<[string, string, unknown]>([
    ['Host Namespaces', 'hostNetwork', true],
    ['Host Namespaces', 'hostPID', true],
    ['Host Namespaces', 'hostIPC', true],
    ['HostProcess', 'securityContext.windowsOptions', { hostProcess: true }],
    ['HostPath Volumes', 'volumes.2', { name: 'scratch', hostPath: { path: '/' } }],
    ['Volume Types', 'volumes.2', { name: 'scratch', nfs: { server: 'nas', path: '/' } }],
    ['AppArmor', 'securityContext.appArmorProfile', { type: 'Unconfined' }],
    ['SELinux', 'securityContext.seLinuxOptions', { type: 'spc_t' }],
    ['SELinux', 'securityContext.seLinuxOptions', { user: 'system_u' }],
    ['Sysctls', 'securityContext.sysctls', [{ name: 'kernel.msgmax', value: '65536' }]],
    ['Running as Non-root', 'securityContext.runAsNonRoot', undefined],
    ['Running as Non-root', 'securityContext.runAsNonRoot', false],
    ['Running as Non-root user', 'securityContext.runAsUser', 0],
    ['Seccomp', 'securityContext.seccompProfile', undefined],
    ['Seccomp', 'securityContext.seccompProfile', { type: 'Unconfined' }],
  ])('%s: %s %j', (control, path, value) => {
    expect(podSecurity(planted(`${POD}.${path}`, value)).join('\n')).toContain(`CronJob shop/orders-backup: ${control}: spec.`);
  });

  test('AppArmor, as an annotation', () => {
    const annotations = { 'container.apparmor.security.beta.kubernetes.io/backup': 'unconfined' };
    const manifests = planted('CronJob.spec.jobTemplate.spec.template.metadata.annotations', annotations);
    expect(podSecurity(manifests).join('\n')).toContain('AppArmor: metadata.annotations is ');
  });
});

describe.each(['containers', 'initContainers'])('the profile "restricted" refuses in %s', list => {
  test.each<[string, string, unknown]>([
    ['HostProcess', 'securityContext.windowsOptions', { hostProcess: true }],
    ['Privileged Containers', 'securityContext.privileged', true],
    ['Host Ports', 'ports', [{ containerPort: 80, hostPort: 80 }]],
    ['Host Probes / Lifecycle Hooks', 'livenessProbe', { httpGet: { host: '10.0.0.1', port: 80 } }],
    ['Host Probes / Lifecycle Hooks', 'lifecycle', { preStop: { tcpSocket: { host: '10.0.0.1', port: 80 } } }],
    ['AppArmor', 'securityContext.appArmorProfile', { type: 'Unconfined' }],
    ['SELinux', 'securityContext.seLinuxOptions', { role: 'system_r' }],
    ['/proc Mount Type', 'securityContext.procMount', 'Unmasked'],
    ['Privilege Escalation', 'securityContext.allowPrivilegeEscalation', undefined],
    ['Privilege Escalation', 'securityContext.allowPrivilegeEscalation', true],
    ['Running as Non-root', 'securityContext.runAsNonRoot', false],
    ['Running as Non-root user', 'securityContext.runAsUser', 0],
    ['Seccomp', 'securityContext.seccompProfile', { type: 'Unconfined' }],
    ['Capabilities', 'securityContext.capabilities.drop', undefined],
    ['Capabilities', 'securityContext.capabilities.drop', ['NET_RAW']],
    ['Capabilities', 'securityContext.capabilities.add', ['SYS_ADMIN']],
    ['Capabilities', 'securityContext', undefined],
  ])('%s: %s %j', (control, path, value) => {
    expect(podSecurity(planted(`${POD}.${list}.0.${path}`, value)).join('\n')).toContain(`: ${control}: spec.${list}.`);
  });
});

describe('the profile "restricted" allows', () => {
  test.each<[string, unknown]>([
    ['containers.0.securityContext.capabilities.add', ['NET_BIND_SERVICE']],
    ['containers.0.securityContext.seccompProfile', { type: 'Localhost', localhostProfile: 'backup.json' }],
    ['containers.0.ports', [{ containerPort: 8080 }]],
    ['securityContext.sysctls', [{ name: 'net.ipv4.tcp_syncookies', value: '1' }]],
    ['securityContext.seLinuxOptions', { level: 's0:c1,c2' }],
    ['volumes.2', { name: 'scratch', ephemeral: {} }],
  ])('%s %j', (path, value) => {
    expect(podSecurity(planted(`${POD}.${path}`, value))).toEqual([]);
  });

  test('what only the containers say, and not the pod', () => {
    expect(podSecurity(specimen().filter(({ metadata }) => metadata.name === 'orders-restore'))).toEqual([]);
  });
});

describe('an exception', () => {
  const manifests = () => structuredClone(PLATFORMS.find(({ name }) => name === 'dist')?.manifests ?? []);
  const backup = (all: Manifest[]) => all.find(({ metadata }) => metadata.name === 'control-plane-backup') as Manifest;
  const template = 'spec.jobTemplate.spec.template';

  test.each<[string, unknown, string]>([
    ['spec.hostPID', true, 'control-plane-backup: Host Namespaces: spec.hostPID is true'],
    ['spec.containers.0.securityContext.privileged', true, 'control-plane-backup: Privileged Containers: '],
    ['spec.volumes.0', { name: 'scratch', hostPath: { path: '/' } }, 'control-plane-backup: HostPath Volumes: '],
    ['metadata.annotations', undefined, 'control-plane-backup: an exception without the annotation'],
    ['spec.hostNetwork', undefined, 'control-plane-backup: an exception that is none any more: Host Namespaces'],
  ])('is for what it names, and for a reason: %s %j', (path, value, finding) => {
    const all = manifests();
    expect(podSecurity(all)).toEqual([]);
    setAt(backup(all), `${template}.${path}`, value);
    expect(podSecurity(all).join('\n')).toContain(finding);
  });

  test('is for the pods that it names', () => {
    const all = manifests();
    setAt(backup(all), 'metadata.name', 'another');
    expect(podSecurity(all).join('\n')).toContain('CronJob kube-system/another: Host Namespaces: spec.hostNetwork is true');
  });
});
