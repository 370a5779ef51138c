// A real OpenID provider (panva's oidc-provider, certified) for tests: anybody signs
// in by name with any password. Arguments: module, port, redirect URI, secret, users
// as JSON.
const [module, port, redirect, secret, users] = process.argv.slice(2);
const { Provider } = await import(module).then((m) => ({ Provider: m.default ?? m.Provider }));
const people = JSON.parse(users);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "autoconfig", client_secret: secret, redirect_uris: [redirect], response_types: ["code"], grant_types: ["authorization_code"] }],
  claims: { openid: ["sub"], profile: ["name", "groups", "mail_domains", "email"] },
  conformIdTokenClaims: false, // claims in the ID token, as most providers send them
  pkce: { required: () => true },
  findAccount: (_, id) => ({ accountId: id, claims: async () => ({ sub: id, ...people[id] }) }),
  cookies: { keys: ["test"] },
  jwks: undefined,
  ttl: { IdToken: 60, AccessToken: 60, AuthorizationCode: 60, Interaction: 600, Session: 600, Grant: 600 },
});
provider.listen(Number(port), "127.0.0.1");
