const { app } = require("@azure/functions");

app.get("Plain", async () => ({ body: "CommonJS" }));
