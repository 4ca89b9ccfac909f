use super::*;

#[test]
fn networks_are_read_strictly() {
    for text in [
        "1.2.3.4/33",
        "010.0.0.1",
        "010.0.0.0/8",
        "1.2.3",
        "1.2.3.4/",
        "1.2.3.4/-1",
        "1.2.3.4/+8",
        "1.2.3.4/08",
        "1.2.3.4/8/8",
        "1.2.3.4/255.255.255.0",
        " 1.2.3.4",
        "::1/129",
        "::ffff:1.2.3.4/64",
        "fe80::1%eth0",
        "example.com",
        "",
        &"1".repeat(65),
    ] {
        assert_eq!(
            Networks::parse([text]),
            Err(NetworkError::Network),
            "{text}"
        );
    }
}

// TH-07
#[test]
fn an_ipv4_address_in_ipv6_form_is_the_ipv4_address() {
    let nets = Networks::parse(["::ffff:192.0.2.77/120", "2001:db8::7/32"]).unwrap();
    assert_eq!(
        serde_json::to_string(&nets).unwrap(),
        "[\"192.0.2.0/24\",\"2001:db8::/32\"]"
    );
    for (ip, is_in) in [
        ("192.0.2.1", true),
        ("::ffff:192.0.2.1", true),
        ("192.0.3.1", false),
        ("2001:db8::1", true),
        ("2001:db9::1", false),
    ] {
        assert_eq!(nets.contain(ip.parse().unwrap()), is_in, "{ip}");
    }
}

#[test]
fn a_list_of_networks_is_bounded() {
    let many = vec!["192.0.2.1"; NETWORKS_MAX];
    assert!(Networks::parse(many.iter().copied()).is_ok());
    let too_many = many.into_iter().chain(["192.0.2.2"]);
    assert_eq!(Networks::parse(too_many), Err(NetworkError::Count));
}
