// A CDN of one film for tests of the player: another origin that answers whoever brings a signature of now, in the address
// or in cookies. What is signed and how is tested with the product.
import { createReadStream, existsSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { type MockCdn, TYPES } from './hub.ts';

export interface CdnOptions {
  readonly film: string;
  readonly lifeMs: number;
  /** Cookies instead of addresses that are signed. */
  readonly cookies: boolean;
}

export class Cdn implements MockCdn {
  private readonly options: CdnOptions;
  private readonly server: Server;
  /** The site whose pages may read. */
  site = '';
  /** Files that were answered, and requests that brought nothing good. */
  served: string[] = [];
  refused = 0;
  readonly signatures = new Set<string>();

  private constructor(options: CdnOptions) {
    this.options = options;
    this.server = createServer((request, response) => this.serve(request, response));
  }

  static async start(options: CdnOptions): Promise<Cdn> {
    const cdn = new Cdn(options);
    await new Promise<void>((resolve) => cdn.server.listen(0, '127.0.0.1', resolve));
    return cdn;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  grant(video: string, response: ServerResponse): object {
    const base = `http://localhost:${(this.server.address() as AddressInfo).port}/v/${video}/`;
    const signature = `s${Date.now() + this.options.lifeMs}`;
    if (!this.options.cookies) return { base, query: `Policy=p&Signature=${signature}`, cookies: false };
    const attributes = `Path=/v/${video}/; Secure; HttpOnly; SameSite=Lax; Domain=localhost`;
    response.setHeader('set-cookie', [`CloudFront-Policy=p; ${attributes}`, `CloudFront-Signature=${signature}; ${attributes}`]);
    return { base, query: '', cookies: true };
  }

  private serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://cdn');
    response.setHeader('access-control-allow-origin', this.site);
    response.setHeader('access-control-allow-credentials', 'true');
    response.setHeader('cross-origin-resource-policy', 'cross-origin');
    const cookie = /CloudFront-Signature=([^;]+)/.exec(request.headers.cookie ?? '')?.[1];
    const signature = (this.options.cookies ? cookie : url.searchParams.get('Signature')) ?? '';
    if (!(Number(signature.slice(1)) > Date.now())) {
      this.refused += 1;
      response.writeHead(403).end();
      return;
    }
    this.signatures.add(signature);
    const path = normalize(url.pathname).replace(/^\/v\/[^/]+\//, '');
    const file = join(this.options.film, path);
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    this.served.push(path);
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.setHeader('content-length', statSync(file).size);
    createReadStream(file).pipe(response);
  }
}
