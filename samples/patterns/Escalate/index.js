module.exports = async function (context, request) {
    return `${request}: nobody answered, escalated`;
};
