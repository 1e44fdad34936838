/* The API's documentation, rendered from its own OpenAPI document. */

SwaggerUIBundle({
  url: new URL("../openapi.json", import.meta.url).href, // this file is {api}/portal/docs.js
  dom_id: "#docs",
  deepLinking: true,
  validatorUrl: null, // asks no other host
});
