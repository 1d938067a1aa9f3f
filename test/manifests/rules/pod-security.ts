import { nameOf, podTemplates, type Rule } from '../manifest';
import { valuesAt } from '../paths';

// The profile "restricted" of the Pod Security Standards, in the order and with the names of its page.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/

interface Control {
  readonly control: string;
  /** Paths from the pod template. */
  readonly fields: string[];
  readonly allows: (value: unknown) => boolean;
}

const oneOf =
  (...allowed: unknown[]) =>
  (value: unknown) =>
    allowed.includes(value);
const allIn =
  (...allowed: unknown[]) =>
  (value: unknown) =>
    Object.values(value ?? {}).every(one => allowed.includes(one));

const ofContainers = (...fields: string[]) =>
  ['containers', 'initContainers', 'ephemeralContainers'].flatMap(list => fields.map(field => `spec.${list}.*.${field}`));
const ofPodAndContainers = (...fields: string[]) =>
  fields.flatMap(field => [`spec.securityContext.${field}`, ...ofContainers(`securityContext.${field}`)]);

const HANDLERS = ['livenessProbe', 'readinessProbe', 'startupProbe', 'lifecycle.postStart', 'lifecycle.preStop'];
const SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
];
const VOLUMES = ['configMap', 'csi', 'downwardAPI', 'emptyDir', 'ephemeral', 'persistentVolumeClaim', 'projected', 'secret'];
const SELINUX_TYPES = ['container_t', 'container_init_t', 'container_kvm_t', 'container_engine_t'];

const BASELINE: Control[] = [
  { control: 'HostProcess', fields: ofPodAndContainers('windowsOptions.hostProcess'), allows: oneOf(undefined, false) },
  { control: 'Host Namespaces', fields: ['spec.hostNetwork', 'spec.hostPID', 'spec.hostIPC'], allows: oneOf(undefined, false) },
  { control: 'Privileged Containers', fields: ofContainers('securityContext.privileged'), allows: oneOf(undefined, false) },
  { control: 'HostPath Volumes', fields: ['spec.volumes.*.hostPath'], allows: oneOf(undefined) },
  { control: 'Host Ports', fields: ofContainers('ports.*.hostPort'), allows: oneOf(undefined, 0) },
  {
    control: 'Host Probes / Lifecycle Hooks',
    fields: ofContainers(...HANDLERS.flatMap(handler => [`${handler}.httpGet.host`, `${handler}.tcpSocket.host`])),
    allows: oneOf(undefined, ''),
  },
  {
    control: 'AppArmor',
    fields: ofPodAndContainers('appArmorProfile.type'),
    allows: oneOf(undefined, 'RuntimeDefault', 'Localhost'),
  },
  {
    control: 'AppArmor',
    fields: ['metadata.annotations'],
    allows: annotations =>
      Object.entries(annotations ?? {}).every(
        ([key, value]) =>
          !key.startsWith('container.apparmor.security.beta.kubernetes.io/') || /^(runtime\/default|localhost\/.*)$/.test(value),
      ),
  },
  { control: 'SELinux', fields: ofPodAndContainers('seLinuxOptions.type'), allows: oneOf(undefined, '', ...SELINUX_TYPES) },
  { control: 'SELinux', fields: ofPodAndContainers('seLinuxOptions.user', 'seLinuxOptions.role'), allows: oneOf(undefined, '') },
  { control: '/proc Mount Type', fields: ofContainers('securityContext.procMount'), allows: oneOf(undefined, 'Default') },
  { control: 'Sysctls', fields: ['spec.securityContext.sysctls.*.name'], allows: oneOf(...SYSCTLS) },
];

const RESTRICTED: Control[] = [
  {
    control: 'Volume Types',
    fields: ['spec.volumes.*'],
    allows: volume => Object.keys(volume ?? {}).every(key => key === 'name' || VOLUMES.includes(key)),
  },
  { control: 'Privilege Escalation', fields: ofContainers('securityContext.allowPrivilegeEscalation'), allows: oneOf(false) },
  { control: 'Running as Non-root', fields: ['spec.securityContext.runAsNonRoot'], allows: oneOf(undefined, true) },
  { control: 'Running as Non-root user', fields: ofPodAndContainers('runAsUser'), allows: user => user !== 0 },
  {
    control: 'Capabilities',
    fields: ofContainers('securityContext.capabilities.drop'),
    allows: drop => Array.isArray(drop) && drop.includes('ALL'),
  },
  { control: 'Capabilities', fields: ofContainers('securityContext.capabilities.add'), allows: allIn('NET_BIND_SERVICE') },
];

/** What a container need not say when its pod does. */
const INHERITED: (Control & { readonly from: string })[] = [
  {
    control: 'Running as Non-root',
    from: 'spec.securityContext.runAsNonRoot',
    fields: ofContainers('securityContext.runAsNonRoot'),
    allows: oneOf(true),
  },
  {
    control: 'Seccomp',
    from: 'spec.securityContext.seccompProfile.type',
    fields: ofContainers('securityContext.seccompProfile.type'),
    allows: oneOf('RuntimeDefault', 'Localhost'),
  },
];

/** In the annotation, a pod says why it has to be an exception. */
const REASON = 'cdk8s-backup/not-restricted';

const NODE_OF_CONTROL_PLANE = [
  'Host Namespaces: spec.hostNetwork is true',
  ...['ca.crt', 'healthcheck-client.crt', 'healthcheck-client.key'].flatMap(file => hostPath(`/etc/kubernetes/pki/etcd/${file}`, 'File')),
  'Running as Non-root user: spec.securityContext.runAsUser is 0',
  ...['containers.*', 'initContainers.*'].map(of => `Running as Non-root: spec.${of}.securityContext.runAsNonRoot is undefined`),
];
const DATA_OF_CONTROL_PLANE = hostPath('/var/lib/etcd', 'DirectoryOrCreate');

function hostPath(path: string, type: string): string[] {
  const volume = JSON.stringify({ path, type });
  return [`HostPath Volumes: spec.volumes.*.hostPath is ${volume}`, `Volume Types: spec.volumes.* is a hostPath ${volume}`];
}

/** Pods that cannot be restricted, and exactly what each of them may say. Whatever of it is said no more has to go from here, too. */
const EXCEPTIONS: { [of: string]: string[] } = {
  'CronJob kube-system/control-plane-backup': NODE_OF_CONTROL_PLANE,
  'CronJob kube-system/control-plane-restore-cp-1': [...NODE_OF_CONTROL_PLANE, ...DATA_OF_CONTROL_PLANE],
  'CronJob kube-system/control-plane-restore-cp-2': [...NODE_OF_CONTROL_PLANE, ...DATA_OF_CONTROL_PLANE],
  'CronJob kube-system/control-plane-restore-cp-3': [...NODE_OF_CONTROL_PLANE, ...DATA_OF_CONTROL_PLANE],
};

export const podSecurity: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, template }) => {
    const refused = ({ control, fields, allows }: Control, [inherited]: unknown[] = []) =>
      fields.flatMap(field =>
        valuesAt(template, field)
          .filter(value => !allows(value ?? inherited))
          .map(value => `${control}: ${field} is ${described(value ?? inherited)}`),
      );
    const findings = [
      ...[...BASELINE, ...RESTRICTED].flatMap(control => refused(control)),
      ...INHERITED.flatMap(control => refused(control, valuesAt(template, control.from))),
    ];
    const excepted = EXCEPTIONS[nameOf(of)] ?? [];
    const explained = template.metadata?.annotations?.[REASON] ? [] : [`an exception without the annotation ${REASON}`];
    return [
      ...findings.filter(finding => !excepted.includes(finding)),
      ...excepted.filter(exception => !findings.includes(exception)).map(exception => `an exception that is none any more: ${exception}`),
      ...(excepted.length > 0 ? explained : []),
    ].map(finding => `${nameOf(of)}: ${finding}`);
  });

/** A volume by its source: its name says nothing. */
function described(value: unknown): string {
  const { hostPath } = (value ?? {}) as { hostPath?: unknown };
  return hostPath ? `a hostPath ${JSON.stringify(hostPath)}` : String(JSON.stringify(value));
}
