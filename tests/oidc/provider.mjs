// An OpenID Connect provider for the tests: oidc-provider as it comes, but for its pages. Who signs in,
// and by what, stands in the headers of the browser's requests (x-test-subject, x-test-acr, x-test-amr).
// Arguments: port (0: a free one), the gateway's address, and a file of private keys (JWKS), read anew
// with each start. Prints its own address once it serves.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';

const [port, gateway, keys] = process.argv.slice(2);
const server = createServer((request, response) => answer(request, response));
server.listen(Number(port), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    jwks: JSON.parse(readFileSync(keys, 'utf8')),
    clients: [
      {
        client_id: 'epigate',
        client_secret: 'a-secret-of-the-tests-only-0123456789',
        redirect_uris: [`${gateway}/oidc/callback`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_basic',
        id_token_signed_response_alg: 'ES256',
      },
    ],
    acrValues: ['urn:test:one-factor', 'urn:test:two-factors'],
    claims: { openid: ['sub', 'acr', 'amr'] },
    cookies: { keys: ['tests'] },
    pkce: { methods: ['S256'], required: () => true },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid');
      await grant.save();
      return grant;
    },
  });
  const inner = provider.callback();
  handle = async (request, response) => {
    if (!request.url.startsWith('/interaction/')) return inner(request, response);
    const said = request.headers;
    const result = said['x-test-subject']
      ? {
          login: {
            accountId: said['x-test-subject'],
            acr: said['x-test-acr'],
            amr: said['x-test-amr']?.split(' '),
          },
        }
      : { error: 'access_denied', error_description: 'nobody signed in' };
    return provider.interactionFinished(request, response, result);
  };
  console.log(issuer);
});

let handle;

function answer(request, response) {
  Promise.resolve(handle(request, response)).catch((error) => {
    console.error(error);
    response.statusCode = 500;
    response.end();
  });
}
