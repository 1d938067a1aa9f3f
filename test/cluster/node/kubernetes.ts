import { join } from 'node:path';
import type { Daemon } from './module';
import type { NodePrograms } from './programs';

/** The node's address; the API server, the kubelet and NodePorts are there. init.sh gives it. */
export const NODE_ADDRESS = '10.200.0.1';

const PKI = '/etc/kubernetes';
const kubeconfigOf = (user: string) => `${PKI}/${user}.kubeconfig`;

/** The parts of Kubernetes that run beside the kubelet, as the documentation of each describes it. */
export class Kubernetes {
  constructor(private readonly programs: NodePrograms) {}

  containerd(): Daemon {
    return { name: 'containerd', argv: ['/usr/bin/containerd', '--config=/etc/node/containerd.toml'] };
  }

  /** Its data is lost with the machine's power: no test is about that. */
  etcd(): Daemon {
    return {
      name: 'etcd',
      argv: ['/usr/bin/etcd', '--data-dir=/var/lib/etcd/data', '--unsafe-no-fsync', '--log-level=warn'],
    };
  }

  /** @param options after those here: the last of a name counts */
  apiServer(options: string[]): Daemon {
    return this.kubernetes('kube-apiserver', [
      `--advertise-address=${NODE_ADDRESS}`,
      '--allow-privileged=true',
      '--audit-log-path=/var/log/audit.log',
      '--audit-policy-file=/etc/node/audit.yaml',
      '--authorization-mode=Node,RBAC',
      `--client-ca-file=${PKI}/ca.crt`,
      '--enable-admission-plugins=NodeRestriction',
      '--etcd-servers=http://127.0.0.1:2379',
      // Admission that changes pods as OpenShift's does.
      '--feature-gates=MutatingAdmissionPolicy=true',
      `--kubelet-client-certificate=${PKI}/kube-apiserver-kubelet-client.crt`,
      `--kubelet-client-key=${PKI}/kube-apiserver-kubelet-client.key`,
      '--kubelet-preferred-address-types=InternalIP',
      '--runtime-config=admissionregistration.k8s.io/v1beta1=true',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${PKI}/service-accounts.pub`,
      `--service-account-signing-key-file=${PKI}/service-accounts.key`,
      '--service-cluster-ip-range=10.96.0.0/16',
      `--tls-cert-file=${PKI}/kube-apiserver.crt`,
      `--tls-private-key-file=${PKI}/kube-apiserver.key`,
      ...options,
    ]);
  }

  controllerManager(): Daemon {
    const user = 'system:kube-controller-manager';
    return this.kubernetes('kube-controller-manager', [
      ...this.asUser(user),
      '--allocate-node-cidrs=true',
      '--cluster-cidr=10.244.0.0/16',
      `--cluster-signing-cert-file=${PKI}/ca.crt`,
      `--cluster-signing-key-file=${PKI}/ca.key`,
      '--leader-elect=false',
      `--root-ca-file=${PKI}/ca.crt`,
      `--service-account-private-key-file=${PKI}/service-accounts.key`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--use-service-account-credentials=true',
    ]);
  }

  scheduler(): Daemon {
    return this.kubernetes('kube-scheduler', [...this.asUser('system:kube-scheduler'), '--leader-elect=false']);
  }

  kubelet(): Daemon {
    return this.kubernetes('kubelet', [
      `--kubeconfig=${kubeconfigOf('system:node:node')}`,
      '--config=/etc/node/kubelet.yaml',
      '--hostname-override=node',
      `--node-ip=${NODE_ADDRESS}`,
    ]);
  }

  proxy(): Daemon {
    return this.kubernetes('kube-proxy', ['--config=/etc/node/kube-proxy.yaml']);
  }

  /** Of kube-router, what enforces NetworkPolicies. */
  firewall(): Daemon {
    return {
      name: 'kube-router',
      argv: [
        join(this.programs.kubeRouter, 'kube-router'),
        `--kubeconfig=${kubeconfigOf('kube-router')}`,
        '--hostname-override=node',
        ...['--run-firewall=true', '--run-router=false', '--run-service-proxy=false', '--run-loadbalancer=false', '--enable-cni=false'],
        '--service-cluster-ip-range=10.96.0.0/16',
      ],
    };
  }

  private kubernetes(program: string, options: string[]): Daemon {
    return { name: program, argv: [join(this.programs.kubernetes, program), ...options] };
  }

  private asUser(user: string): string[] {
    return ['kubeconfig', 'authentication-kubeconfig', 'authorization-kubeconfig'].map(option => `--${option}=${kubeconfigOf(user)}`);
  }
}

/** A certificate that openssl's `certificates.sh` makes: what it is for, its name, and a server's names or a user's groups. */
export const CERTIFICATES = [
  [
    'server',
    'kube-apiserver',
    `DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local,IP:10.96.0.1,IP:${NODE_ADDRESS},IP:127.0.0.1`,
  ],
  ['user', 'admin', 'system:masters'],
  ['user', 'kube-apiserver-kubelet-client', 'system:masters'],
  ['user', 'system:kube-controller-manager'],
  ['user', 'system:kube-scheduler'],
  ['user', 'system:node:node', 'system:nodes'],
  ['user', 'system:kube-proxy'],
  ['user', 'kube-router'],
];
