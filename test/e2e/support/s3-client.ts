import { createHash, createHmac } from 'node:crypto';

/** What a store answered. */
export interface S3Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
  readonly text: string;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Keys that last for a while, and count with their token alone. */
export interface SessionCredentials extends S3Credentials {
  readonly sessionToken: string;
  readonly expiration: string;
}

export interface S3RequestOptions {
  readonly query?: { [name: string]: string };
  readonly headers?: { [name: string]: string };
  readonly body?: string | Buffer;
}

/** A version of an object, or a delete marker over it. */
export interface S3Version {
  readonly key: string;
  readonly id: string;
  readonly isLatest: boolean;
  readonly isMarker: boolean;
}

/**
 * The raw protocol of S3, as an attacker with somebody's keys would speak it: any method on any path, with AWS Signature Version 4
 * (Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header").
 */
export class S3Client {
  constructor(
    readonly endpoint: string,
    readonly region: string,
    private readonly credentials: S3Credentials,
    private readonly service = 's3',
  ) {}

  async request(method: string, path: string, options: S3RequestOptions = {}): Promise<S3Answer> {
    const body = Buffer.from(options.body ?? '');
    const hash = createHash('sha256').update(body).digest('hex');
    const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    const { host } = new URL(this.endpoint);
    const uri = path.split('/').map(encoded).join('/');
    const query = Object.entries(options.query ?? {})
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .sort()
      .join('&');
    const headers: { [name: string]: string } = {
      ...options.headers,
      host,
      'x-amz-content-sha256': hash,
      'x-amz-date': time,
      // Some requests, those about locks among them, are refused without it.
      ...(body.length > 0 && { 'content-md5': createHash('md5').update(body).digest('base64') }),
    };
    const names = Object.keys(headers).sort();
    const canonical = [method, uri, query, ...names.map(name => `${name}:${headers[name]?.trim()}`), '', names.join(';'), hash].join('\n');
    const scope = `${time.slice(0, 8)}/${this.region}/${this.service}/aws4_request`;
    const signed = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
    const key = scope.split('/').reduce<string | Buffer>((last, part) => hmac(last, part), `AWS4${this.credentials.secretAccessKey}`);
    const signature = createHmac('sha256', key).update(signed).digest('hex');
    const authorization = `AWS4-HMAC-SHA256 Credential=${this.credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
    const { host: _, ...sent } = headers;
    const answer = await fetch(`${this.endpoint}${uri}${query ? `?${query}` : ''}`, {
      method,
      headers: { ...sent, authorization },
      ...(body.length > 0 && { body }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return { status: answer.status, headers: answer.headers, body: bytes, text: bytes.toString('utf8') };
  }

  /** A request that must succeed. */
  async ask(method: string, path: string, options: S3RequestOptions = {}): Promise<S3Answer> {
    const answer = await this.request(method, path, options);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  }

  /** Keys for a while, of whoever this is. (AWS STS API reference, AssumeRole; MinIO's needs no role.) */
  async session(): Promise<SessionCredentials> {
    const sts = new S3Client(this.endpoint, this.region, this.credentials, 'sts');
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { text } = await sts.ask('POST', '/', { headers, body: 'Action=AssumeRole&Version=2011-06-15&DurationSeconds=43200' });
    const value = (name: string) => valuesOf(text, name)[0] ?? '';
    return {
      accessKeyId: value('AccessKeyId'),
      secretAccessKey: value('SecretAccessKey'),
      sessionToken: value('SessionToken'),
      expiration: value('Expiration'),
    };
  }

  /** The keys that a listing shows. */
  async keys(bucket: string, prefix = ''): Promise<string[]> {
    const { text } = await this.ask('GET', `/${bucket}`, { query: { 'list-type': '2', prefix } });
    return valuesOf(text, 'Key');
  }

  /** All that the bucket holds, hidden versions and delete markers too. */
  async versions(bucket: string, prefix = ''): Promise<S3Version[]> {
    const { text } = await this.ask('GET', `/${bucket}`, { query: { versions: '', prefix } });
    return [...text.matchAll(/<(Version|DeleteMarker)>(.*?)<\/\1>/gs)].map(([, kind, entry = '']) => ({
      key: valuesOf(entry, 'Key')[0] ?? '',
      id: valuesOf(entry, 'VersionId')[0] ?? '',
      isLatest: valuesOf(entry, 'IsLatest')[0] === 'true',
      isMarker: kind === 'DeleteMarker',
    }));
  }

  /** Until when a version is locked. */
  async lockedUntil(bucket: string, version: S3Version): Promise<Date> {
    const { text } = await this.ask('GET', `/${bucket}/${version.key}`, { query: { retention: '', versionId: version.id } });
    return new Date(valuesOf(text, 'RetainUntilDate')[0] ?? Number.NaN);
  }
}

function valuesOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>(.*?)</${name}>`, 'gs'))].map(([, value = '']) => value.replaceAll('&#34;', '"'));
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}
