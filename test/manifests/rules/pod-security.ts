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

export const podSecurity: Rule = manifests =>
  podTemplates(manifests).flatMap(({ of, template }) => {
    const refused = ({ control, fields, allows }: Control, [inherited]: unknown[] = []) =>
      fields.flatMap(field =>
        valuesAt(template, field)
          .filter(value => !allows(value ?? inherited))
          .map(value => `${nameOf(of)}: ${control}: ${field} is ${JSON.stringify(value ?? inherited)}`),
      );
    return [
      ...[...BASELINE, ...RESTRICTED].flatMap(control => refused(control)),
      ...INHERITED.flatMap(control => refused(control, valuesAt(template, control.from))),
    ];
  });
