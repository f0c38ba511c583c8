module.exports = async (context, input) => `folder got ${input}`;
