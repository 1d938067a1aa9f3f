import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { loopbackAddress } from './postgres-server';
import type { SessionCredentials } from './s3-client';

/** Where the webhook of EKS mounts its token. (aws/amazon-eks-pod-identity-webhook, README.md.) */
export const TOKEN_DIRECTORY = '/var/run/secrets/pods.eks.amazonaws.com/serviceaccount';
const TOKEN = 'eks-pod-identity-token';

/**
 * What answers on the nodes of EKS: keys that last for a while, to whoever shows the token of a pod that may have them. (Amazon EKS user
 * guide, "Understand how EKS Pod Identity works"; AWS SDKs reference guide, "Container credential provider".)
 */
export class PodIdentityAgent {
  readonly address = loopbackAddress();
  readonly uri = `http://${this.address}/v1/credentials`;
  readonly token = 'a token of a pod';
  /** How often it has given keys. */
  given = 0;
  private readonly server: Server;

  private constructor(credentials: SessionCredentials) {
    this.server = createServer((asked, answer) => {
      if (asked.url !== '/v1/credentials' || asked.headers.authorization !== this.token) {
        answer.writeHead(403).end('{"message":"the token is of nobody"}');
        return;
      }
      this.given += 1;
      const { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token, expiration: Expiration } = credentials;
      answer
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ AccessKeyId, SecretAccessKey, Token, Expiration }));
    });
  }

  static async start(credentials: SessionCredentials): Promise<PodIdentityAgent> {
    const agent = new PodIdentityAgent(credentials);
    await new Promise<void>(resolve => agent.server.listen(80, agent.address, resolve));
    return agent;
  }

  async stop(): Promise<void> {
    await new Promise(resolve => this.server.close(resolve));
  }
}

interface Container {
  readonly name: string;
  env?: { name: string; value: string }[];
  volumeMounts?: object[];
}

/**
 * Changes the pods of CronJobs as the webhook of EKS does: those of a service account, without the containers that an annotation names
 * (pkg/handler/handler.go, getPodSpecPatch). The token is a Secret's here, as nothing in the rehearsal gives tokens.
 */
export function givePodIdentity(directory: string, account: string, uri: string, secretName: string): void {
  changePods(directory, account, ({ metadata, spec }) => {
    const skipped = (metadata.annotations?.['eks.amazonaws.com/skip-containers'] ?? '').split(',');
    spec.volumes = [
      { name: 'eks-pod-identity-token', projected: { sources: [{ secret: { name: secretName } }] } },
      ...(spec.volumes ?? []),
    ];
    for (const container of [...(spec.initContainers ?? []), ...spec.containers].filter(({ name }) => !skipped.includes(name))) {
      addTo(container, {
        AWS_CONTAINER_CREDENTIALS_FULL_URI: uri,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${TOKEN_DIRECTORY}/${TOKEN}`,
      });
      const mount = { name: 'eks-pod-identity-token', mountPath: TOKEN_DIRECTORY, readOnly: true };
      container.volumeMounts = [...(container.volumeMounts ?? []), mount];
    }
  });
}

/** The Secret that stands for a pod's token. */
export const tokenSecret = (token: string) => ({ [TOKEN]: token });

/** Pods that get no identity look for the node's: the machine of the tests may have one, of which nothing is asked. */
export function hideNodeIdentity(directory: string, account: string): void {
  changePods(directory, account, ({ spec }) => {
    for (const container of spec.containers) addTo(container, { HTTP_PROXY: 'http://127.0.0.1:9' });
  });
}

interface Template {
  readonly metadata: { readonly annotations?: { [annotation: string]: string } };
  readonly spec: {
    readonly serviceAccountName?: string;
    volumes?: object[];
    readonly initContainers?: Container[];
    readonly containers: Container[];
  };
}

function addTo(container: Container, variables: { [name: string]: string }): void {
  container.env = [...(container.env ?? []), ...Object.entries(variables).map(([name, value]) => ({ name, value }))];
}

function changePods(directory: string, account: string, change: (template: Template) => void): void {
  for (const file of readdirSync(directory).filter(name => name.endsWith('.yaml'))) {
    const path = join(directory, file);
    const documents = parseAllDocuments(readFileSync(path, 'utf8')).flatMap(document => document.toJS() ?? []);
    for (const { kind, spec } of documents) {
      const template: Template | undefined = kind === 'CronJob' ? spec.jobTemplate.spec.template : undefined;
      if (template?.spec.serviceAccountName === account) change(template);
    }
    writeFileSync(path, documents.map(document => `${JSON.stringify(document)}\n`).join('---\n'));
  }
}
