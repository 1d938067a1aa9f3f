import type { ServerResponse } from 'node:http';
import type { Api } from './api';
import { inVersion, selected, selection } from './handler';
import type { ApiObject } from './object';
import type { ApiRequest } from './request';
import type { Change } from './store';

/** Streams changes (Kubernetes docs: "Kubernetes API Concepts", Efficient detection of changes; Streaming lists). */
export function watch(api: Api, request: ApiRequest, response: ServerResponse): void {
  const { resource, query } = request;
  const matches = selection(request);
  const since = query.get('resourceVersion') ?? '';
  const fromNow = ['', '0'].includes(since) || query.get('sendInitialEvents') === 'true';
  response.writeHead(200, { 'content-type': 'application/json' });
  response.flushHeaders();
  const send = (type: string, object: ApiObject) => response.write(`${JSON.stringify({ type, object: inVersion(object, request) })}\n`);
  if (fromNow && query.get('sendInitialEvents') !== 'false') for (const object of selected(api, request)) send('ADDED', object);
  if (query.get('sendInitialEvents') === 'true') {
    const metadata = { name: '', resourceVersion: api.store.resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } };
    send('BOOKMARK', { apiVersion: '', kind: '', metadata });
  }
  const pass = ({ resource: changed, type, object, old }: Change) => {
    if (changed.plural !== resource.plural || changed.group !== resource.group) return;
    const [is, was] = [type !== 'DELETED' && matches(object), old !== undefined && matches(old)];
    if (is) send(was ? 'MODIFIED' : 'ADDED', object);
    else if (was) send('DELETED', object);
  };
  const stop = api.watch(pass, fromNow ? undefined : since);
  const seconds = Number(query.get('timeoutSeconds') ?? 1800);
  const timer = setTimeout(() => response.end(), seconds * 1000);
  response.on('close', () => {
    clearTimeout(timer);
    stop();
  });
}
