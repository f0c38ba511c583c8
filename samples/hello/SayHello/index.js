module.exports = function (context, name) {
    context.done(null, `Hello ${name}!`);
};
