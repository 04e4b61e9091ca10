// Heroes, page after page, and under new names: components of React, with Relay.
import { createElement } from "react";
import { graphql, useLazyLoadQuery, useMutation, usePaginationFragment } from "react-relay";

const QUERY = graphql`
  query heroesQuery($first: Int!, $orderBy: [HeroOrder!]) {
    ...heroes_list
  }
`;

const LIST = graphql`
  fragment heroes_list on Query
  @argumentDefinitions(after: { type: "String" })
  @refetchable(queryName: "heroesPageQuery") {
    heroesConnection(first: $first, after: $after, orderBy: $orderBy)
      @connection(key: "heroes_heroesConnection") {
      edges {
        node {
          id
          name
        }
      }
    }
  }
`;

const UPDATE = graphql`
  mutation heroesUpdateMutation($id: ID!, $input: UpdateHeroInput!) {
    updateHero(id: $id, input: $input) {
      id
      name
    }
  }
`;

export const Heroes = ({ first, orderBy }) => {
  const query = useLazyLoadQuery(QUERY, { first, orderBy });
  const { data, hasNext, loadNext } = usePaginationFragment(LIST, query);
  const [update] = useMutation(UPDATE);
  const rename = (id, name) => update({ variables: { id, input: { name } } });
  return [
    ...data.heroesConnection.edges.map(({ node: { id, name } }) =>
      createElement("li", { key: id, onClick: () => rename(id, `${name}!`) }, name),
    ),
    hasNext && createElement("button", { key: "more", onClick: () => loadNext(first) }, "More"),
  ];
};
