/** The client library, with objects as plain JSON. */
import { ApiException, type HttpMethod, KubernetesObjectApi, type RequestContext, type ResponseContext } from '@kubernetes/client-node'
import type { Kind } from '../release/objects.ts'

/** The library's generic client without its model classes: they drop fields that they do not know and turn times into dates. */
export class JsonApi extends KubernetesObjectApi {
  path(ref: Kind & { metadata: { name?: string; namespace?: string } }, action: 'create' | 'read' | 'list'): Promise<string> {
    return this.specUriPath(ref, action)
  }

  context(path: string, method: HttpMethod): RequestContext {
    return this.configuration.baseServer.makeRequestContext(path, method)
  }

  send(context: RequestContext): Promise<unknown> {
    return this.requestPromise(context as never)
  }

  protected override async processResponse<T>(response: ResponseContext): Promise<T> {
    const text = await response.body.text()
    if (response.httpStatusCode < 200 || response.httpStatusCode > 299) {
      throw new ApiException(response.httpStatusCode, 'request refused', text, response.headers)
    }
    return (response.headers['content-type']?.startsWith('application/json') ? JSON.parse(text) : text) as T
  }
}
