import type { k8s } from 'cdk8s-plus-27';
import { SECRET_FILE_MODE, type SecretRef } from '../../core/secret-ref';

const MOUNT = '/run/secrets/etcd';

/** Options of TLS by a Secret. */
export interface EtcdTlsSecretOptions {
  /**
   * The server asks for a certificate, and the Secret holds one.
   * @default true
   */
  readonly clientCertificate?: boolean;
}

/** Options of TLS by files of the node. */
export interface EtcdTlsFilesOptions {
  /**
   * The folder on the node.
   * @default '/etc/kubernetes/pki/etcd'
   */
  readonly folder?: string;
  /**
   * The certificate authority's file in it.
   * @default 'ca.crt'
   */
  readonly ca?: string;
  /**
   * The client certificate's file in it.
   * @default 'healthcheck-client.crt'
   */
  readonly certificate?: string;
  /**
   * The client key's file in it.
   * @default 'healthcheck-client.key'
   */
  readonly key?: string;
}

/** The certificates for reaching an etcd server. */
export class EtcdTls {
  /** A Secret with the keys `ca.crt`, and `tls.crt` and `tls.key` for the client, as cert-manager makes it. */
  public static secret(secret: SecretRef, options: EtcdTlsSecretOptions = {}): EtcdTls {
    const files = options.clientCertificate === false ? ['ca.crt'] : ['ca.crt', 'tls.crt', 'tls.key'];
    const items = files.map(key => ({ key, path: key }));
    const volume = { name: 'certificates', secret: { secretName: secret.name, defaultMode: SECRET_FILE_MODE, items } };
    return new EtcdTls(files, [volume], [{ name: 'certificates', mountPath: MOUNT, readOnly: true }]);
  }

  /** Files of the node, each mounted alone and read-only, since the folder holds keys that no backup needs. */
  public static files(options: EtcdTlsFilesOptions = {}): EtcdTls {
    const {
      folder = '/etc/kubernetes/pki/etcd',
      ca = 'ca.crt',
      certificate = 'healthcheck-client.crt',
      key = 'healthcheck-client.key',
    } = options;
    const files = [ca, certificate, key];
    const names = ['certificate-authority', 'client-certificate', 'client-key'];
    return new EtcdTls(
      files,
      files.map((file, index) => ({ name: names[index] ?? '', hostPath: { path: `${folder}/${file}`, type: 'File' } })),
      files.map((file, index) => ({ name: names[index] ?? '', mountPath: `${MOUNT}/${file}`, readOnly: true })),
    );
  }

  private constructor(
    private readonly files: string[],
    /** @internal */
    public readonly _volumes: k8s.Volume[],
    /** @internal */
    public readonly _mounts: k8s.VolumeMount[],
  ) {}

  /**
   * Variables, or flags, with the paths of the files that exist.
   *
   * @internal
   */
  public _paths(ca: string, certificate: string, key: string): { name: string; value: string }[] {
    return [ca, certificate, key].slice(0, this.files.length).map((name, index) => ({ name, value: `${MOUNT}/${this.files[index]}` }));
  }
}
