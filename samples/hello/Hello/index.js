module.exports = function (context, req) {
    const name = req.params.name || req.query.name || (req.body && req.body.name) || "World";
    context.log(`Saying hello to ${name}.`);
    context.res = { body: `Hello ${name}!` };
    context.done();
};
