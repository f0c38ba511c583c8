const { app } = require("@azure/functions");

// Every hook notes that it has run, in the order in which they do.
const order = [];
global.order = order;

app.hook.appStart((context) => {
  context.hookData.started = true;
  order.push("appStart");
});
app.hook.appTerminate((context) => {
  console.log(`appTerminate, started: ${context.hookData.started}`);
});
app.hook.preInvocation((context) => {
  const { functionName } = context.invocationContext.executionContext || context.invocationContext;
  if (functionName !== "Hooked") return;
  order.push("pre 1");
  context.hookData.from = "pre 1";
  context.inputs = ["input of pre 1"];
});
app.hook.preInvocation(async (context) => {
  if (context.invocationContext.functionName !== "Hooked") return;
  await null;
  order.push("pre 2");
  const handler = context.functionHandler;
  context.functionHandler = (...args) => handler(`${args[0]}, wrapped`, ...args.slice(1));
});
app.hook.postInvocation((context) => {
  if (context.invocationContext.functionName !== "Hooked") return;
  order.push("post");
  context.result = `${context.result}; hookData of ${context.hookData.from}`;
});
app.hook.postInvocation((context) => {
  if (context.invocationContext.functionName !== "Rescued" || !context.error) return;
  context.result = { jsonBody: { rescued: context.error.message } };
  context.error = null;
});
app.hook.postInvocation((context) => {
  const name = context.invocationContext.functionName || context.invocationContext.executionContext.functionName;
  if (name === "Folder") context.result = `${context.result}, hooked`;
});
app.hook.log((context) => {
  if (context.message.startsWith("secret")) {
    context.message = "*** of " + context.category + " in " + context.invocationContext.functionName;
    context.level = "warning";
  }
});
