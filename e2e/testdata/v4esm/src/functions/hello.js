import { app } from "@azure/functions";
import { greeting } from "../greeting.js";

const prefix = await greeting();

app.get("Hello", { route: "hello/{name}", handler: async (request) => ({ body: `${prefix} ${request.params.name}!` }) });
