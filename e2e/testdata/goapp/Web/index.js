module.exports = async function (context, req) {
    context.res = { body: `JavaScript greets ${req.query.name}` };
};
