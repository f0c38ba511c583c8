module.exports = async function (context, text) {
    return text.split(/\s+/).filter((word) => word !== "").length;
};
