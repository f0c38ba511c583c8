'use strict';
// The signed-in user that a reverse proxy describes in the x-ms-client-principal headers
// (@azure/functions 3 src/http/extractHttpUserFromHeaders.ts).

function userOf(headers) {
  const encoded = headers['x-ms-client-principal'];
  if (!encoded) return null;
  const principal = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
  if (principal.identityProvider) {
    return {
      type: 'StaticWebApps',
      id: principal.userId,
      username: principal.userDetails,
      identityProvider: principal.identityProvider,
      claimsPrincipalData: principal,
    };
  }
  return {
    type: 'AppService',
    id: headers['x-ms-client-principal-id'],
    username: headers['x-ms-client-principal-name'],
    identityProvider: headers['x-ms-client-principal-idp'],
    claimsPrincipalData: principal,
  };
}

module.exports = { userOf };
